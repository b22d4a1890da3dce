// role.h: keeps endpoints whose role label lets them do one stage: encode, prefill or decode.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

enum class Stage { kEncode, kPrefill, kDecode };

// `role` null: no label, which decodes.
[[nodiscard]] bool role_does(const std::string* role, Stage stage);

class RoleFilter final : public Plugin, public Filter {
 public:
  explicit RoleFilter(Stage stage) : stage_(stage) {}
  template <Stage stage>
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<RoleFilter>(stage);
  }
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  Stage stage_;
};

}  // namespace nacelle::router
