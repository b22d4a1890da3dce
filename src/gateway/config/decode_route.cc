#include <algorithm>
#include <set>

#include "gateway/config/decode.h"
#include "gateway/route/host_pattern.h"
#include "gateway/route/path.h"

namespace nacelle::gateway {
namespace {

constexpr std::size_t kMaxPath = 1024;

void decode_path(ObjectReader reader, PathMatch& out) {
  const auto type = reader.one_of("type", {"Exact", "RegularExpression", "PathPrefix"});
  if (type) out.type = static_cast<PathMatch::Type>(*type);
  reader.string("value", out.value);
  if (out.value.size() > kMaxPath) {
    reader.problem("value",
                   fmt::format("{} bytes, at most {} are accepted", out.value.size(), kMaxPath));
    out.value = "/";
  }
  if (out.type == PathMatch::Type::kRegex) {
    auto regex = Regex::compile(out.value);
    if (!regex) return reader.problem("value", regex.error().message());
    out.regex = *regex;
    return;
  }
  const bool odd = !is_normal_path(out.value) || out.value.find('#') != std::string::npos ||
                   out.value.find("%2f") != std::string::npos ||
                   out.value.find("%2F") != std::string::npos;
  if (odd) {
    reader.problem(
        "value",
        fmt::format("'{}' must begin with / and have no //, /./, /../, %2F or #", out.value));
    out.value = "/";
  }
}

// Headers or query parameters; of repeated names only the first counts.
void decode_values(ObjectReader& reader, std::string_view key, bool ignore_case,
                   std::vector<ValueMatch>& out) {
  reader.each(key, 16, [&](ObjectReader item) {
    ValueMatch match;
    const bool pattern = item.one_of("type", {"Exact", "RegularExpression"}) == std::size_t{1};
    item.required("name", match.name);
    item.required("value", match.value);
    if (pattern) {
      auto regex = Regex::compile(match.value);
      if (!regex) return item.problem("value", regex.error().message());
      match.regex = *regex;
    }
    const bool repeated = std::any_of(out.begin(), out.end(), [&](const ValueMatch& earlier) {
      return ignore_case ? net::http::equals_ignore_case(earlier.name, match.name)
                         : earlier.name == match.name;
    });
    if (!repeated) out.push_back(std::move(match));
  });
}

void decode_match(ObjectReader reader, std::vector<RouteMatch>& out) {
  RouteMatch match;
  reader.object("path", [&](ObjectReader path) { decode_path(std::move(path), match.path); });
  const std::initializer_list<std::string_view> kMethods = {
      "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  if (const auto method = reader.one_of("method", kMethods))
    match.method = kMethods.begin()[*method];
  decode_values(reader, "headers", true, match.headers);
  decode_values(reader, "queryParams", false, match.query);
  out.push_back(std::move(match));
}

HeaderModifier decode_modifier(ObjectReader reader) {
  HeaderModifier out;
  const auto pairs = [&](std::string_view key,
                         std::vector<std::pair<std::string, std::string>>& list) {
    reader.each(key, 16, [&](ObjectReader item) {
      std::string name, value;
      item.required("name", name);
      item.string("value", value);
      if (!name.empty() && !net::http::is_token(name))
        item.problem("name", fmt::format("'{}' is no header name", name));
      if (!net::http::is_field_value(value)) item.problem("value", "has a control character");
      list.emplace_back(std::move(name), std::move(value));
    });
  };
  pairs("set", out.set);
  pairs("add", out.add);
  reader.strings("remove", 16, out.remove);
  return out;
}

std::optional<PathModifier> decode_path_modifier(ObjectReader& holder) {
  std::optional<PathModifier> out;
  holder.object("path", [&](ObjectReader reader) {
    PathModifier path;
    const auto type = reader.one_of("type", {"ReplaceFullPath", "ReplacePrefixMatch"});
    if (!type) return reader.problem("type", "is required");
    path.type = static_cast<PathModifier::Type>(*type);
    std::string full, prefix;
    reader.string("replaceFullPath", full);
    reader.string("replacePrefixMatch", prefix);
    path.value = *type == 0 ? full : prefix;
    // It becomes part of a request line or a Location.
    const bool fits = std::all_of(path.value.begin(), path.value.end(),
                                  [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
    if (!fits || (!path.value.empty() && path.value.front() != '/')) {
      reader.problem(*type == 0 ? "replaceFullPath" : "replacePrefixMatch",
                     "must begin with / and consist of visible ASCII without #");
    }
    out = std::move(path);
  });
  return out;
}

void check_precise_hostname(ObjectReader& reader, const std::string& name) {
  if (name.empty()) return;
  if (const Status fine = check_hostname(name, Wildcard::kRefused); !fine.ok())
    reader.problem("hostname", fine.message());
}

Redirect decode_redirect(ObjectReader reader) {
  Redirect out;
  if (const auto scheme = reader.one_of("scheme", {"http", "https"}))
    out.scheme = *scheme == 0 ? "http" : "https";
  reader.string("hostname", out.hostname);
  check_precise_hostname(reader, out.hostname);
  out.path = decode_path_modifier(reader);
  std::int64_t port = 0, status = 302;
  reader.integer("port", 1, 65535, port);
  reader.integer("statusCode", 300, 399, status);
  if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
    reader.problem("statusCode", fmt::format("{} is none of 301, 302, 303, 307, 308", status));
  out.port = static_cast<std::uint16_t>(port);
  out.status = static_cast<int>(status);
  return out;
}

Cors decode_cors(ObjectReader reader) {
  Cors out;
  reader.strings("allowOrigins", 64, out.origins);
  reader.strings("allowMethods", 9, out.methods);
  reader.strings("allowHeaders", 64, out.headers);
  reader.strings("exposeHeaders", 64, out.expose);
  const auto check = [&reader](std::string_view key, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!net::http::is_token(name))
        reader.problem(key, fmt::format("'{}' is no header or method name", name));
    }
  };
  check("allowMethods", out.methods);
  check("allowHeaders", out.headers);
  check("exposeHeaders", out.expose);
  reader.boolean("allowCredentials", out.credentials);
  reader.integer("maxAge", 1, INT32_MAX, out.max_age_seconds);
  return out;
}

MirrorObject decode_mirror(ObjectReader reader, const std::string& name_space) {
  MirrorObject out;
  if (!reader.object("backendRef", [&](ObjectReader ref) {
        out.backend = decode_ref(ref, "", "Service", name_space);
      })) {
    reader.problem("backendRef", "is required");
  }
  std::int64_t numerator = 100, denominator = 100;
  reader.integer("percent", 0, 100, numerator);
  if (reader.has("percent") && reader.has("fraction"))
    reader.problem("fraction", "stands beside percent; give one of them");
  reader.object("fraction", [&](ObjectReader fraction) {
    fraction.integer("numerator", 0, INT32_MAX, numerator);
    fraction.integer("denominator", 1, INT32_MAX, denominator);
    if (numerator > denominator) fraction.problem("numerator", "is larger than the denominator");
  });
  out.numerator = static_cast<std::uint32_t>(numerator);
  out.denominator = static_cast<std::uint32_t>(denominator);
  return out;
}

void decode_filters(ObjectReader& holder, const std::string& name_space, FiltersObject& out) {
  std::set<std::size_t> seen;
  holder.each("filters", 16, [&](ObjectReader filter) {
    const auto type = filter.one_of(
        "type", {"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite",
                 "RequestMirror", "CORS", "ExtensionRef", "ExternalAuth"});
    if (!type) {
      if (!filter.has("type")) filter.problem("type", "is required");
      filter.ignore_rest();
      return;
    }
    if (*type < 6 && *type != 4 && !seen.insert(*type).second)
      filter.problem("type", "this filter stands in the rule twice");
    bool found = true;
    switch (*type) {
      case 0:
        found = filter.object("requestHeaderModifier", [&](ObjectReader reader) {
          out.request_headers = decode_modifier(std::move(reader));
        });
        break;
      case 1:
        found = filter.object("responseHeaderModifier", [&](ObjectReader reader) {
          out.response_headers = decode_modifier(std::move(reader));
        });
        break;
      case 2:
        found = filter.object("requestRedirect", [&](ObjectReader reader) {
          out.redirect = decode_redirect(std::move(reader));
        });
        break;
      case 3:
        found = filter.object("urlRewrite", [&](ObjectReader reader) {
          Rewrite rewrite;
          reader.string("hostname", rewrite.hostname);
          check_precise_hostname(reader, rewrite.hostname);
          rewrite.path = decode_path_modifier(reader);
          out.rewrite = std::move(rewrite);
        });
        break;
      case 4:
        found = filter.object("requestMirror", [&](ObjectReader reader) {
          out.mirrors.push_back(decode_mirror(std::move(reader), name_space));
        });
        break;
      case 5:
        found = filter.object(
            "cors", [&](ObjectReader reader) { out.cors = decode_cors(std::move(reader)); });
        break;
      default:
        filter.problem("type", "is not served by this gateway");
        filter.ignore_rest();
        out.unknown = true;
    }
    if (!found) filter.problem("the object of the filter's type is missing");
  });
  if (out.redirect && out.rewrite)
    holder.problem("filters", "RequestRedirect and URLRewrite cannot stand in one rule");
}

BackendObject decode_backend(ObjectReader reader, const std::string& name_space) {
  BackendObject out;
  std::int64_t weight = 1;
  reader.integer("weight", 0, 1'000'000, weight);
  out.weight = static_cast<std::uint32_t>(weight);
  decode_filters(reader, name_space, out.filters);
  out.ref = decode_ref(reader, "", "Service", name_space);
  return out;
}

void decode_timeouts(ObjectReader reader, RuleObject& out) {
  Duration value{};
  if (reader.duration("request", value)) out.request_timeout = value;
  if (reader.duration("backendRequest", value)) out.backend_timeout = value;
  const Duration request = out.request_timeout.value_or(Duration::zero());
  if (request > Duration::zero() && out.backend_timeout.value_or(Duration::zero()) > request)
    reader.problem("backendRequest", "is longer than request");
}

void decode_session(ObjectReader reader, SessionConfig& out) {
  out.header = reader.one_of("type", {"Cookie", "Header"}) == std::size_t{1};
  Duration absolute{};
  reader.duration("absoluteTimeout", absolute);
  reader.ignore({"idleTimeout"});
  reader.string("sessionName", out.name);
  reader.object("cookie", [&](ObjectReader cookie) {
    cookie.string("name", out.name);
    cookie.string("path", out.path);
    if (cookie.one_of("lifetimeType", {"Session", "Permanent"}) == std::size_t{1}) {
      out.max_age_seconds = std::chrono::duration_cast<std::chrono::seconds>(absolute).count();
      if (out.max_age_seconds == 0)
        cookie.problem("lifetimeType", "Permanent needs absoluteTimeout");
    }
  });
  reader.object("header", [&](ObjectReader header) { header.string("name", out.name); });
  if (!net::http::is_token(out.name))
    reader.problem(fmt::format("'{}' is no name of a cookie or header", out.name));
  if (!net::http::is_field_value(out.path) || out.path.find(';') != std::string::npos)
    reader.problem(fmt::format("'{}' is no path of a cookie", out.path));
}

void decode_rule(ObjectReader reader, const std::string& name_space, RouteObject& route) {
  RuleObject out;
  out.where = reader.where();
  reader.string("name", out.name);
  reader.each("matches", 64,
              [&](ObjectReader match) { decode_match(std::move(match), out.matches); });
  if (out.matches.empty()) out.matches.emplace_back();
  decode_filters(reader, name_space, out.filters);
  reader.each("backendRefs", 16, [&](ObjectReader backend) {
    out.backends.push_back(decode_backend(std::move(backend), name_space));
  });
  reader.object("timeouts",
                [&](ObjectReader timeouts) { decode_timeouts(std::move(timeouts), out); });
  reader.object("retry", [&](ObjectReader retry) {
    out.retry.emplace();
    decode_retry(retry, *out.retry);
  });
  reader.object("sessionPersistence", [&](ObjectReader session) {
    out.session.emplace();
    decode_session(std::move(session), *out.session);
  });
  const auto uses_prefix = [](const std::optional<PathModifier>& path) {
    return path && path->type == PathModifier::Type::kReplacePrefixMatch;
  };
  const bool replaces = (out.filters.rewrite && uses_prefix(out.filters.rewrite->path)) ||
                        (out.filters.redirect && uses_prefix(out.filters.redirect->path));
  for (const RouteMatch& match : out.matches) {
    if (replaces && match.path.type != PathMatch::Type::kPrefix)
      reader.problem("filters", "ReplacePrefixMatch needs matches of type PathPrefix");
  }
  route.rules.push_back(std::move(out));
}

}  // namespace

// Gateway API's retry: the codes, a number of attempts, and a pause.
void decode_retry(ObjectReader& reader, RetryConfig& retry) {
  std::int64_t attempts = retry.attempts;
  reader.integer("attempts", 1, 100, attempts);
  retry.attempts = static_cast<std::uint32_t>(attempts);
  if (const auto* codes = reader.raw("codes"); codes != nullptr) {
    if (!codes->is_array() || codes->size() > 200) {
      reader.problem("codes", "expected a list of statuses");
    } else {
      for (const auto& code : *codes) {
        const bool fine = code.is_number_integer() && code >= 400 && code <= 599;
        if (fine) retry.statuses.push_back(code.get<int>());
        if (!fine) reader.problem("codes", "every code is a status from 400 to 599");
      }
    }
  }
  if (reader.duration("backoff", retry.backoff_base)) {
    retry.fixed_backoff = true;
    retry.backoff_max = std::max(retry.backoff_max, retry.backoff_base);
  }
}

void decode_route(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  RouteObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.each("parentRefs", 32, [&](ObjectReader parent) {
      out.parents.push_back(decode_ref(parent, kGatewayGroup, "Gateway", meta.name_space));
    });
    if (out.parents.empty()) spec.problem("parentRefs", "at least one parent is required");
    spec.strings("hostnames", 16, out.hostnames);
    for (std::size_t i = 0; i < out.hostnames.size(); ++i) {
      if (const Status fine = check_hostname(out.hostnames[i], Wildcard::kAllowed); !fine.ok())
        spec.problem(fmt::format("hostnames[{}]", i), fine.message());
    }
    spec.each("rules", 16,
              [&](ObjectReader rule) { decode_rule(std::move(rule), meta.name_space, out); });
  });
  out.meta = std::move(meta);
  objects.routes.push_back(std::move(out));
}

}  // namespace nacelle::gateway
