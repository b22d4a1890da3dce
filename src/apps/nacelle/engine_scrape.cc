#include "apps/nacelle/engine_scrape.h"

#include <algorithm>
#include <utility>

namespace nacelle::apps {
namespace {

constexpr Duration kScrapeTimeout = 2s;

Status lay_over(const EngineScrapeFlags& flags, router::EngineSpecs& engines) {
  const router::EngineSpec* known = engines.find(engines.default_engine);
  if (known == nullptr) return {};  // the configuration was checked
  router::EngineSpec spec = *known;
  struct Row {
    const char* flag;
    const std::string& text;
    router::MetricSpec& metric;
  };
  for (const Row& row : {Row{"total-queued-requests-metric", flags.waiting, spec.waiting},
                         Row{"total-running-requests-metric", flags.running, spec.running},
                         Row{"kv-cache-usage-percentage-metric", flags.kv_usage, spec.kv_usage},
                         Row{"lora-info-metric", flags.lora, spec.lora},
                         Row{"cache-info-metric", flags.cache_info, spec.cache_info}}) {
    if (row.text.empty()) continue;
    auto metric = router::parse_metric_spec(row.text);
    if (!metric) {
      return invalid_argument("--{}: '{}' is neither name nor name{{label=value}}", row.flag,
                              row.text.substr(0, 100));
    }
    row.metric = std::move(*metric);
  }
  engines.set(std::move(spec));
  return {};
}

void lay_over(const EngineScrapeFlags& flags, router::HttpSourceSettings& source) {
  if (!flags.scheme.empty()) source.scheme = flags.scheme;
  if (!flags.path.empty()) source.path = flags.path;
  if (flags.port != 0) source.port = flags.port;
  if (flags.skip_verify) source.insecure_skip_verify = *flags.skip_verify;
}

Result<router::ScrapeSource> source_of(const router::HttpSourceSettings& settings) {
  router::ScrapeSource out{.path = settings.path, .port = settings.port, .tls = nullptr};
  if (settings.scheme != "https") return out;
  net::TlsClientConfig tls;
  tls.verify = !settings.insecure_skip_verify;
  tls.ca.file = settings.ca_cert_path;
  tls.certificate.file = settings.client_cert_path;
  tls.key.file = settings.client_key_path;
  ASSIGN_OR_RETURN(out.tls, net::TlsClientContext::create(tls));
  return out;
}

}  // namespace

Result<router::EndpointPool::Config> engine_scrape(const EngineScrapeFlags& flags,
                                                   router::DataLayerConfig layer,
                                                   Duration interval) {
  lay_over(flags, layer.metrics_source);
  RETURN_IF_ERROR(lay_over(flags, layer.engines));
  router::EndpointPool::Config out;
  out.scrape_interval = std::max(interval, layer.metrics_source.interval);
  out.scrape_timeout = kScrapeTimeout;
  out.engines = std::move(layer.engines);
  ASSIGN_OR_RETURN(out.source, source_of(layer.metrics_source));
  return out;
}

}  // namespace nacelle::apps
