// inflight_load.h: how much load a pick reserves. The counters themselves are the router's.
//
// Home:    immutable.
// Source:  router.md section 9.4, `inflight-load-producer`.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class InflightLoad final : public Plugin {
 public:
  explicit InflightLoad(PrefixSourceId source) : source_(source) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] PrefixSourceId prefix_source() const { return source_; }

 private:
  PrefixSourceId source_;
};

inline constexpr std::string_view kInflightLoadProducer = "inflight-load-producer";

}  // namespace nacelle::router
