// routing_headers.h: the headers by which gateways, pickers and engines steer a request, and who
// may set them.
//
// A client that sends one of them would steer its request or forge its outcome, so a data plane
// drops them, and a picker neither echoes nor passes them on. One list for all who need it.
//
// Home:    pure; any thread.
// Source:  router.md sections 5.1 and 5.3; gateway.md sections 7.2 and 17.7.
#pragma once

#include <string_view>

namespace nacelle::openai {

// Set by the picker or read by it: never echoed from a client nor from an engine. Any case.
[[nodiscard]] bool is_picker_header(std::string_view name);

// All that a gateway drops when a client sends it: the picker's, those between gateway and engine,
// and those by which other proxies speak to each other. Any case.
[[nodiscard]] bool is_system_header(std::string_view name);

}  // namespace nacelle::openai
