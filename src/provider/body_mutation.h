// body_mutation.h: sets and removes top-level members of a request body (AIServiceBackend and
// AIGatewayRoute `bodyMutation`).
//
// A value is JSON when it reads as JSON, else a string. Removes come before sets.
//
// Home:    pure; any thread.
// Errors:  invalid_argument when the body is no JSON object.
// Source:  gateway.md sections 6.1 and 7.2.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nacelle::provider {

struct BodyMutation {
  std::vector<std::pair<std::string, std::string>> set;  // member, value
  std::vector<std::string> remove;
  [[nodiscard]] bool empty() const { return set.empty() && remove.empty(); }
};

[[nodiscard]] Result<std::string> mutate_body(std::string_view body, const BodyMutation& mutation);

}  // namespace nacelle::provider
