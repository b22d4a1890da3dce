// rewrite.h: RequestRedirect and URLRewrite: where a request goes instead.
//
// Home:    pure; any thread.
// Source:  gateway.md section 1.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::gateway {

struct PathModifier {
  enum class Type : std::uint8_t { kReplaceFullPath, kReplacePrefixMatch };
  Type type = Type::kReplaceFullPath;
  std::string value;

  // `path` without query; `prefix` is the value of the rule's PathPrefix match.
  [[nodiscard]] std::string apply(std::string_view path, std::string_view prefix) const;
};

struct Rewrite {
  std::string hostname;  // "" = as it is
  std::optional<PathModifier> path;
};

struct Redirect {
  std::string scheme;    // "" = of the request
  std::string hostname;  // "" = of the request
  std::optional<PathModifier> path;
  std::uint16_t port = 0;  // 0 = none given
  int status = 302;
};

struct RedirectSource {
  std::string_view scheme;  // "http" or "https"
  std::string_view host;    // without port
  std::uint16_t listener_port = 0;
  std::string_view path, query;
  std::string_view prefix;
};

// The Location. The port: the given one; else that of a given scheme; else the listener's; left out
// when it is the scheme's own.
[[nodiscard]] std::string location_of(const Redirect& redirect, const RedirectSource& source);

// A target with another path and the query kept.
[[nodiscard]] std::string with_path(std::string_view path, std::string_view query);

}  // namespace nacelle::gateway
