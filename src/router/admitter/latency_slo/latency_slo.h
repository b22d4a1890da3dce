// latency_slo.h: refuses sheddable requests whose SLOs no endpoint is predicted to meet.
//
// An idle endpoint (no requests of ours, or KV use below 2 %) always admits.
//
// Home:    immutable, pure.
// Source:  router.md section 9.5.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::router {

class LatencySloAdmitter final : public Plugin, public Admitter {
 public:
  explicit LatencySloAdmitter(const PredictedLatency& predictions) : predictions_(predictions) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] Status admit(const PickContext& context, const Candidates& pool) const override;

 private:
  const PredictedLatency& predictions_;
};

}  // namespace nacelle::router
