// single_profile.h: runs the only profile there is.
//
// Home:    immutable, pure.
// Source:  router.md section 9.3.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class SingleProfileHandler final : public Plugin, public ProfileHandler {
 public:
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] std::optional<std::uint32_t> next(const PickContext& context) const override;
  void finish(const PickContext& context, Decision& decision) const override;
};

}  // namespace nacelle::router
