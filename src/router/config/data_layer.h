// data_layer.h: where what is known of endpoints comes from: plugins of the data layer and what
// they add up to.
//
// The plugins only hold their settings; who scrapes and watches reads them from DataLayerConfig.
//
// Home:    immutable.
// Source:  router.md sections 9.6 and 14.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/scorer/topology_affinity/topology.h"
#include "router/signals/engine_specs.h"

namespace nacelle::router {

// metrics-data-source, models-data-source, dcgm-data-source
struct HttpSourceSettings {
  std::string scheme = "http";
  std::string path = "/metrics";
  std::uint16_t port = 0;  // 0: the endpoint's own
  bool insecure_skip_verify = true;
  std::string ca_cert_path, client_cert_path, client_key_path;
  Duration interval{};  // 0: every base tick
  bool use_node_address = false;
};

struct DataLayerConfig {
  bool metrics = true;  // whether engines are scraped at all
  HttpSourceSettings metrics_source;
  EngineSpecs engines;
  std::string endpoints_file;  // of file-discovery; "": none
  bool watch_endpoints_file = false;
};

class HttpSource final : public Plugin {
 public:
  explicit HttpSource(HttpSourceSettings settings) : settings_(std::move(settings)) {}
  static std::shared_ptr<Plugin> make_metrics(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_models(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_dcgm(Fields& fields, BuildContext& context);
  [[nodiscard]] const HttpSourceSettings& settings() const { return settings_; }

 private:
  HttpSourceSettings settings_;
};

class CoreMetricsExtractor final : public Plugin {
 public:
  explicit CoreMetricsExtractor(EngineSpecs engines) : engines_(std::move(engines)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] const EngineSpecs& engines() const { return engines_; }

 private:
  EngineSpecs engines_;
};

class TopologyExtractor final : public Plugin {
 public:
  explicit TopologyExtractor(TopologyLabels labels) : labels_(std::move(labels)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] const TopologyLabels& labels() const { return labels_; }

 private:
  TopologyLabels labels_;
};

class FileDiscovery final : public Plugin {
 public:
  FileDiscovery(std::string path, bool watch) : path_(std::move(path)), watch_(watch) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool watch() const { return watch_; }

 private:
  std::string path_;
  bool watch_;
};

// Extractors and sources that are taken for the sake of configurations and read nothing here, which
// a warning says: models-data-extractor, dcgm-extractor, endpoint-notification-source;
// k8s-notification-source names an object kind to watch.
class PlainDataPlugin final : public Plugin {
 public:
  static std::shared_ptr<Plugin> make_models(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_dcgm(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_notifications(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_k8s(Fields& fields, BuildContext& context);
};

}  // namespace nacelle::router
