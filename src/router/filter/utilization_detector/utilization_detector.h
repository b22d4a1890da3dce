// utilization_detector.h: a saturation detector over queues and KV caches; as a filter it keeps the
// endpoints with headroom, or all when none has any.
//
// Endpoints whose metrics are stale are judged by what this router placed there since.
//
// Home:    immutable, pure.
// Source:  router.md section 12.4.
#pragma once

#include <memory>

#include "router/config/detector_plugin.h"

namespace nacelle::router {

class UtilizationDetectorFilter final : public DetectorPlugin {
 public:
  using DetectorPlugin::DetectorPlugin;
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;
};

}  // namespace nacelle::router
