// header_based_testing.h: keeps the endpoints that a request header lists: how conformance tests
// steer a picker.
//
// Home:    immutable, pure.
// Source:  router.md sections 2.3 and 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class HeaderBasedTestingFilter final : public Plugin, public Filter {
 public:
  static constexpr std::string_view kHeader = "test-epp-endpoint-selection";

  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;
};

// Whether `list`, addresses with or without ports between commas, names the endpoint `address`
// (host:port; IPv6 in brackets). An item with a port names only that port.
[[nodiscard]] bool lists_address(std::string_view list, std::string_view address);

}  // namespace nacelle::router
