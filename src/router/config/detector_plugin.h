// detector_plugin.h: what both saturation detectors are to the configuration.
//
// Home:    immutable.
#pragma once

#include "router/flow/flow_config.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class DetectorPlugin : public Plugin, public Filter {
 public:
  explicit DetectorPlugin(const flow::DetectorConfig& settings) : settings_(settings) {}
  [[nodiscard]] const flow::DetectorConfig& settings() const { return settings_; }

 private:
  flow::DetectorConfig settings_;
};

}  // namespace nacelle::router
