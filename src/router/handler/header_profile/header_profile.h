// header_profile.h: runs exactly the profile that a request header names.
//
// Home:    immutable, pure.
// Errors:  invalid_argument (400) for a name that no profile has.
// Source:  router.md section 9.3.
#pragma once

#include <memory>
#include <string>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class HeaderProfileHandler final : public Plugin, public ProfileHandler {
 public:
  HeaderProfileHandler(std::string header, std::string fallback, std::vector<std::string> profiles)
      : header_(std::move(header)),
        fallback_(std::move(fallback)),
        profiles_(std::move(profiles)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] std::optional<std::uint32_t> next(const PickContext& context) const override;
  void finish(const PickContext& context, Decision& decision) const override;

 private:
  [[nodiscard]] std::string_view wanted(const PickContext& context) const;
  [[nodiscard]] std::optional<std::uint32_t> profile(const PickContext& context) const;

  std::string header_;  // lower case
  std::string fallback_;
  std::vector<std::string> profiles_;
};

}  // namespace nacelle::router
