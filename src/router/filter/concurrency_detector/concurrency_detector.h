// concurrency_detector.h: a saturation detector over this router's own counts; as a filter it keeps
// the endpoints below their capacity, and nobody when all are full.
//
// Home:    immutable, pure.
// Source:  router.md section 12.4.
#pragma once

#include <memory>

#include "router/config/detector_plugin.h"

namespace nacelle::router {

class ConcurrencyDetectorFilter final : public DetectorPlugin {
 public:
  using DetectorPlugin::DetectorPlugin;
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;
};

}  // namespace nacelle::router
