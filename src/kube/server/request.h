// request.h: what a request asks: its path, its parameters, who sent it.
//
// Home:    pure; fuzzed.
// Errors:  Failures of HTTP 400, 404 and 422.
// Source:  kubernetes-api.md sections 2, 7, 9, 10.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kube/server/failure.h"

namespace nacelle::kube::server {

// "/apis/apps/v1/namespaces/default/deployments/web/status" in its parts.
struct ResourcePath {
  std::string group, version;
  std::string name_space;
  std::string plural;
  std::string name;
  std::string subresource;  // "log", "status"; longer tails are kept as they are
  bool old_watch = false;   // /api/v1/watch/...
};

// nullopt when it is no path of a resource.
[[nodiscard]] std::optional<ResourcePath> parse_path(std::string_view path);

using Parameters = std::map<std::string, std::string, std::less<>>;
// Percent-decoded; the first of several values counts.
[[nodiscard]] Parameters parse_query(std::string_view query);
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

enum class VersionMatch : std::uint8_t { kUnset, kNotOlderThan, kExact };

struct ListOptions {
  std::string label_selector, field_selector;
  std::size_t limit = 0;
  std::string continue_token;
  std::optional<std::uint64_t> version;  // resourceVersion; unset and "" are nullopt
  VersionMatch match = VersionMatch::kUnset;
  bool watch = false;
  bool bookmarks = false;
  std::optional<bool> send_initial_events;
  std::optional<std::int64_t> timeout_s;
};
[[nodiscard]] Try<ListOptions> parse_list_options(const Parameters& parameters);

enum class FieldValidation : std::uint8_t { kIgnore, kWarn, kStrict };

struct WriteOptions {
  bool dry_run = false;
  std::string manager;  // "" means the user agent's
  FieldValidation validation = FieldValidation::kWarn;
  std::optional<bool> force;
};
// `verb` is "Create", "Update" or "Patch", for the words of errors.
[[nodiscard]] Try<WriteOptions> parse_write_options(const Parameters& parameters,
                                                    std::string_view verb);

// The default field manager: the user agent up to its first '/'.
[[nodiscard]] std::string manager_of(std::string_view user_agent);

// "true", "1" and so on; nullopt for what is no boolean.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_int(std::string_view text);

}  // namespace nacelle::kube::server
