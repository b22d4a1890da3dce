// session_id.h: where a request says which session it belongs to: a header or a cookie.
//
// Home:    immutable.
// Source:  router.md section 9.4, `session-id-producer`.
#pragma once

#include <memory>
#include <string>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class SessionId final : public Plugin {
 public:
  SessionId(std::string header, std::string cookie)
      : header_(std::move(header)), cookie_(std::move(cookie)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);

  // "" when the request names none.
  [[nodiscard]] std::string_view of(const RoutingRequest& request) const;

 private:
  std::string header_;  // lower case; "" when a cookie is read
  std::string cookie_;
};

// The value of a cookie in a Cookie header; "" when absent.
[[nodiscard]] std::string_view cookie_value(std::string_view header, std::string_view name);

}  // namespace nacelle::router
