// always_disagg.h: always a separate stage; or only for multimodal input, of which text has none.
//
// Home:    immutable, pure.
// Source:  router.md section 9.3.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class AlwaysDisaggDecider final : public Plugin, public Decider {
 public:
  explicit AlwaysDisaggDecider(bool for_text) : for_text_(for_text) {}
  template <bool for_text>
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<AlwaysDisaggDecider>(for_text);
  }
  [[nodiscard]] bool wanted(const PickContext&, std::uint32_t) const override { return for_text_; }

 private:
  bool for_text_;
};

}  // namespace nacelle::router
