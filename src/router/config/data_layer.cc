#include "router/config/data_layer.h"

namespace nacelle::router {
namespace {

constexpr std::string_view kNoModels =
    "no effect: /v1/models is not read, adapters are known from metrics";
constexpr std::string_view kNoDcgm =
    "no effect: GPU metrics are not read, so the attribute GPUUtilization is missing everywhere";
constexpr std::string_view kNoNotifications =
    "no effect: nothing here acts on notifications; endpoints are watched without it";

void read_tls(Fields& fields, HttpSourceSettings& out) {
  fields.boolean("insecureSkipVerify", out.insecure_skip_verify);
  fields.text("caCertPath", out.ca_cert_path);
  fields.text("clientCertPath", out.client_cert_path);
  fields.text("clientKeyPath", out.client_key_path);
}

void read_http(Fields& fields, HttpSourceSettings& out) {
  bool https = out.scheme == "https";
  fields.choice("scheme", https, {{"http", false}, {"https", true}});
  out.scheme = https ? "https" : "http";
  fields.text("path", out.path);
  if (!out.path.starts_with('/')) {
    fields.problem("path", fmt::format("'{}' does not begin with /", out.path));
  }
  fields.count("port", out.port, 1, 65535);
  fields.duration("interval", out.interval);
  read_tls(fields, out);
}

void read_spec(Fields& fields, std::string_view key, MetricSpec& out) {
  std::string text;
  fields.text(key, text);
  if (text.empty()) return;
  if (auto spec = parse_metric_spec(text)) {
    out = std::move(*spec);
  } else {
    fields.problem(
        key, fmt::format("'{}' is neither name nor name{{label=value}}", text.substr(0, 100)));
  }
}

}  // namespace

std::shared_ptr<Plugin> HttpSource::make_metrics(Fields& fields, BuildContext&) {
  HttpSourceSettings settings;
  read_http(fields, settings);
  return std::make_shared<HttpSource>(std::move(settings));
}

std::shared_ptr<Plugin> HttpSource::make_models(Fields& fields, BuildContext&) {
  HttpSourceSettings settings;
  settings.path = "/v1/models";
  read_http(fields, settings);
  fields.warn("", kNoModels);
  return std::make_shared<HttpSource>(std::move(settings));
}

std::shared_ptr<Plugin> HttpSource::make_dcgm(Fields& fields, BuildContext&) {
  HttpSourceSettings settings;
  settings.port = 9400;
  read_http(fields, settings);
  fields.boolean("useNodeAddress", settings.use_node_address);
  fields.warn("", kNoDcgm);
  return std::make_shared<HttpSource>(std::move(settings));
}

std::shared_ptr<Plugin> CoreMetricsExtractor::make(Fields& fields, BuildContext&) {
  EngineSpecs engines;
  fields.text("engineLabelKey", engines.label_key);
  fields.text("defaultEngine", engines.default_engine);
  fields.each("engineConfigs", [&](Fields& config) {
    EngineSpec spec;
    config.text("name", spec.name);
    if (spec.name.empty()) config.problem("name", "is missing");
    read_spec(config, "queuedRequestsSpec", spec.waiting);
    read_spec(config, "runningRequestsSpec", spec.running);
    read_spec(config, "kvUsageSpec", spec.kv_usage);
    read_spec(config, "loraSpec", spec.lora);
    read_spec(config, "cacheInfoSpec", spec.cache_info);
    config.text("cacheBlockSizeLabelName", spec.block_size_label);
    config.text("cacheNumBlocksLabelName", spec.num_blocks_label);
    read_spec(config, "cacheBlockSizeSpec", spec.block_size);
    read_spec(config, "cacheNumBlocksSpec", spec.num_blocks);
    config.each("customMetrics", [&](Fields& metric) {
      CustomMetric custom;
      metric.text("attributeKey", custom.attribute);
      read_spec(metric, "metricSpec", custom.metric);
      if (custom.attribute.empty()) metric.problem("attributeKey", "is missing");
      if (custom.metric.name.empty()) metric.problem("metricSpec", "is missing");
      spec.custom.push_back(std::move(custom));
    });
    engines.set(std::move(spec));
  });
  if (engines.find(engines.default_engine) == nullptr) {
    fields.problem("defaultEngine",
                   fmt::format("there is no engine '{}'", engines.default_engine.substr(0, 100)));
  }
  return std::make_shared<CoreMetricsExtractor>(std::move(engines));
}

std::shared_ptr<Plugin> TopologyExtractor::make(Fields& fields, BuildContext&) {
  TopologyLabels labels;
  fields.text("hostname", labels.host);
  fields.text("rack", labels.rack);
  fields.text("zone", labels.zone);
  fields.text("region", labels.region);
  return std::make_shared<TopologyExtractor>(std::move(labels));
}

std::shared_ptr<Plugin> FileDiscovery::make(Fields& fields, BuildContext&) {
  std::string path;
  bool watch = false;
  fields.text("path", path);
  fields.boolean("watchFile", watch);
  if (path.empty()) fields.problem("path", "is missing");
  return std::make_shared<FileDiscovery>(std::move(path), watch);
}

std::shared_ptr<Plugin> PlainDataPlugin::make_models(Fields& fields, BuildContext&) {
  fields.warn("", kNoModels);
  return std::make_shared<PlainDataPlugin>();
}

std::shared_ptr<Plugin> PlainDataPlugin::make_dcgm(Fields& fields, BuildContext&) {
  fields.warn("", kNoDcgm);
  return std::make_shared<PlainDataPlugin>();
}

std::shared_ptr<Plugin> PlainDataPlugin::make_notifications(Fields& fields, BuildContext&) {
  fields.warn("", kNoNotifications);
  return std::make_shared<PlainDataPlugin>();
}

std::shared_ptr<Plugin> PlainDataPlugin::make_k8s(Fields& fields, BuildContext&) {
  fields.ignored("group");
  fields.ignored("version");
  if (!fields.has("kind")) fields.problem("kind", "is missing");
  fields.warn("", kNoNotifications);
  return std::make_shared<PlainDataPlugin>();
}

}  // namespace nacelle::router
