#include "kube/server/request.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace nacelle::kube::server {
namespace {

constexpr std::size_t kMaxSegments = 12;
constexpr std::size_t kMaxManagerBytes = 128;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The segments between slashes, decoded; nullopt for empty ones in the middle.
std::optional<std::vector<std::string>> segments(std::string_view path) {
  std::vector<std::string> out;
  if (path.empty() || path[0] != '/') return std::nullopt;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    auto part = percent_decode(path.substr(0, slash), false);
    if (!part.has_value() || part->empty() || out.size() == kMaxSegments) return std::nullopt;
    out.push_back(std::move(*part));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);  // a slash at the end is accepted
  }
  return out;
}

std::string text(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

Failure bad_number(std::string_view name, std::string_view value) {
  return bad_request(
      fmt::format("invalid {0}: strconv.ParseInt: parsing \"{1}\": invalid syntax", name, value));
}

Failure match_error(std::string_view text, std::string_view value, bool unsupported_value) {
  schema::Findings findings;
  if (unsupported_value) {
    findings.push_back(
        schema::unsupported("resourceVersionMatch", value, {"Exact", "NotOlderThan", ""}));
  } else {
    findings.push_back(schema::forbidden("resourceVersionMatch", text));
  }
  return invalid("meta.k8s.io", "ListOptions", "", findings);
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex(text[i + 1]);
      const int low = hex(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

std::optional<ResourcePath> parse_path(std::string_view path) {
  auto parts = segments(path);
  if (!parts.has_value() || parts->size() < 2) return std::nullopt;
  std::vector<std::string>& at = *parts;
  ResourcePath out;
  std::size_t next = 0;
  if (at[0] == "api") {
    out.version = at[1];
    next = 2;
  } else if (at[0] == "apis" && at.size() >= 3) {
    out.group = at[1];
    out.version = at[2];
    next = 3;
  } else {
    return std::nullopt;
  }
  if (next < at.size() && at[next] == "watch") {
    out.old_watch = true;
    ++next;
  }
  const std::size_t left = at.size() - next;
  if (left == 0) return std::nullopt;
  // A namespace is itself a resource: /namespaces/x and /namespaces/x/status.
  const bool scoped = at[next] == "namespaces" && left >= 3 &&
                      !(left == 3 && (at[next + 2] == "status" || at[next + 2] == "finalize"));
  if (scoped) {
    out.name_space = at[next + 1];
    next += 2;
  }
  out.plural = at[next++];
  if (next < at.size()) out.name = at[next++];
  for (; next < at.size(); ++next) {
    if (!out.subresource.empty()) out.subresource += '/';
    out.subresource += at[next];
  }
  return out;
}

Parameters parse_query(std::string_view query) {
  Parameters out;
  constexpr std::size_t kMaxParameters = 64;
  while (!query.empty() && out.size() < kMaxParameters) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equal = pair.find('=');
    auto name = percent_decode(pair.substr(0, equal), true);
    auto value = equal == std::string_view::npos ? std::optional<std::string>("")
                                                 : percent_decode(pair.substr(equal + 1), true);
    if (name.has_value() && value.has_value()) out.try_emplace(std::move(*name), std::move(*value));
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return out;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "1" || text == "t" || text == "T" || text == "True") return true;
  if (text == "false" || text == "0" || text == "f" || text == "F" || text == "False") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t out = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, out);
  if (read.ec != std::errc() || read.ptr != end || text.empty()) return std::nullopt;
  return out;
}

Try<ListOptions> parse_list_options(const Parameters& parameters) {
  ListOptions out;
  out.label_selector = text(parameters, "labelSelector");
  out.field_selector = text(parameters, "fieldSelector");
  out.continue_token = text(parameters, "continue");
  if (const std::string limit = text(parameters, "limit"); !limit.empty()) {
    const auto number = parse_int(limit);
    if (!number.has_value()) return bad_number("limit", limit);
    out.limit = *number < 0 ? 0 : static_cast<std::size_t>(*number);
  }
  if (const std::string timeout = text(parameters, "timeoutSeconds"); !timeout.empty()) {
    out.timeout_s = parse_int(timeout);
    if (!out.timeout_s.has_value()) return bad_number("timeoutSeconds", timeout);
  }
  if (const std::string version = text(parameters, "resourceVersion"); !version.empty()) {
    std::uint64_t number = 0;
    const char* end = version.data() + version.size();
    const auto read = std::from_chars(version.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) {
      return bad_request(fmt::format(
          "invalid resource version: resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: "
          "parsing \"{0}\": invalid syntax",
          version));
    }
    out.version = number;
  }
  out.watch = parse_bool(text(parameters, "watch")).value_or(false);
  out.bookmarks = parse_bool(text(parameters, "allowWatchBookmarks")).value_or(false);
  const std::string initial = text(parameters, "sendInitialEvents");
  if (!initial.empty()) out.send_initial_events = parse_bool(initial);
  const std::string match = text(parameters, "resourceVersionMatch");
  if (match == "NotOlderThan") out.match = VersionMatch::kNotOlderThan;
  if (match == "Exact") out.match = VersionMatch::kExact;
  if (!match.empty() && out.match == VersionMatch::kUnset) return match_error("", match, true);
  if (out.send_initial_events.has_value()) {
    if (!out.watch) return match_error("sendInitialEvents is forbidden for list", "", false);
    if (out.match != VersionMatch::kNotOlderThan) {
      return match_error("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                         "", false);
    }
  } else if (out.match != VersionMatch::kUnset) {
    if (out.watch) return match_error("resourceVersionMatch is forbidden for watch", "", false);
    if (!out.version.has_value()) {
      return match_error("resourceVersionMatch is forbidden unless resourceVersion is provided", "",
                         false);
    }
    if (out.match == VersionMatch::kExact && *out.version == 0) {
      return match_error("resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"",
                         "", false);
    }
  }
  return out;
}

Try<WriteOptions> parse_write_options(const Parameters& parameters, std::string_view verb) {
  WriteOptions out;
  schema::Findings findings;
  if (const std::string dry = text(parameters, "dryRun"); !dry.empty()) {
    out.dry_run = dry == "All";
    if (!out.dry_run) findings.push_back(schema::unsupported("dryRun", dry, {"All"}));
  }
  out.manager = text(parameters, "fieldManager");
  if (out.manager.size() > kMaxManagerBytes) {
    findings.push_back(schema::too_long("fieldManager", kMaxManagerBytes));
  }
  if (std::any_of(out.manager.begin(), out.manager.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    findings.push_back(
        schema::invalid("fieldManager", "", "should only contain printable characters"));
  }
  const std::string validation = text(parameters, "fieldValidation");
  if (validation == "Ignore") {
    out.validation = FieldValidation::kIgnore;
  } else if (validation == "Strict") {
    out.validation = FieldValidation::kStrict;
  } else if (!validation.empty() && validation != "Warn") {
    findings.push_back(
        schema::unsupported("fieldValidation", validation, {"", "Ignore", "Strict", "Warn"}));
  }
  if (const std::string force = text(parameters, "force"); !force.empty()) {
    out.force = parse_bool(force);
  }
  if (!findings.empty()) {
    return invalid("meta.k8s.io", fmt::format("{}Options", verb), "", findings);
  }
  return out;
}

std::string manager_of(std::string_view user_agent) {
  std::string out(user_agent.substr(0, user_agent.find('/')));
  if (out.size() > kMaxManagerBytes) out.resize(kMaxManagerBytes);
  return out.empty() ? "unknown" : out;
}

}  // namespace nacelle::kube::server
