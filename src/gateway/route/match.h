// match.h: the conditions of a route, and what of a request they look at.
//
// Home:    values; any thread.
// Source:  gateway.md sections 1.4 and 1.5.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/route/regex.h"
#include "net/http/headers.h"

namespace nacelle::gateway {

// The model's name comes from the body; a client's header of these names is never believed.
inline constexpr std::array<std::string_view, 2> kModelHeaders = {"x-ai-eg-model",
                                                                  "x-gateway-model-name"};
[[nodiscard]] inline bool is_model_header(std::string_view name) {
  for (const std::string_view header : kModelHeaders)
    if (net::http::equals_ignore_case(header, name)) return true;
  return false;
}

struct PathMatch {
  enum class Type : std::uint8_t { kExact, kRegex, kPrefix };  // in order of precedence
  Type type = Type::kPrefix;
  std::string value = "/";
  std::shared_ptr<const Regex> regex;  // of kRegex
};

// A header or query parameter: equal to `value`, or matched by `regex` when there is one.
struct ValueMatch {
  std::string name;
  std::string value;
  std::shared_ptr<const Regex> regex;

  [[nodiscard]] bool accepts(std::string_view text) const {
    return regex ? regex->matches(text) : text == value;
  }
};

// All conditions hold together.
struct RouteMatch {
  PathMatch path;
  std::string method;  // "" = any
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
};

// One match of one rule, with what decides between equal ones.
struct RouteEntry {
  std::string host;  // pattern; "" = any
  RouteMatch match;
  std::string created;         // RFC 3339; older wins; "" = after every dated one
  std::string name;            // "namespace/name"
  std::uint32_t rule = 0;      // within the route
  std::uint32_t position = 0;  // of the match within the rule
  std::uint32_t target = 0;    // the owner's index of the rule
};

// Borrows everything.
struct RouteQuery {
  std::string_view host;  // lower case, no port
  std::string_view method;
  std::string_view path;   // normalised
  std::string_view query;  // without '?'
  const net::http::Headers* headers = nullptr;
  std::optional<std::string_view> model;  // nullopt: the body was not read yet
};

// How the conditions besides the path stand. kUnknown: only the model decides, and it is not known.
enum class Verdict : std::uint8_t { kNo, kYes, kUnknown };
[[nodiscard]] Verdict check_conditions(const RouteMatch& match, const RouteQuery& request);

// Precedence among entries whose paths matched equally well: true when `a` is asked first.
[[nodiscard]] bool asked_before(const RouteEntry& a, const RouteEntry& b);

}  // namespace nacelle::gateway
