// global_config.h: what holds for all services of an installation.
//
// Home:    pure; a value.
// Source:  kserve.md section A18, ConfigMap inferenceservice-config.
#pragma once

#include <string>

#include "control/core/kserve/names.h"

namespace nacelle::control::kserve {

struct GlobalConfig {
  std::string system_namespace = "kserve";
  std::string gateway_namespace = "kserve";
  std::string gateway_name = "kserve-ingress-gateway";
  std::string url_scheme = "http";
  bool tls = false;
  std::string model_header = "X-Gateway-Model-Name";
  std::string model_routing_mode = "enabled";  // "forced", "disabled"
  std::string cluster_domain = "cluster.local";
  std::string storage_initializer_image = "kserve/storage-initializer:latest";
  std::string prometheus_url;  // of autoscaling-wva-controller-config
};

// Of the ConfigMap's `data`, whose values are texts of JSON; what is broken keeps its default.
[[nodiscard]] GlobalConfig parse_global_config(const Json& config_map);

}  // namespace nacelle::control::kserve
