#include "gateway/route/match.h"

#include <algorithm>
#include <tuple>

#include "gateway/route/path.h"

namespace nacelle::gateway {
namespace {

Verdict check_header(const ValueMatch& wanted, const RouteQuery& request) {
  if (is_model_header(wanted.name)) {
    if (!request.model) return Verdict::kUnknown;
    return wanted.accepts(*request.model) ? Verdict::kYes : Verdict::kNo;
  }
  std::string joined;  // several fields of one name are one list
  std::optional<std::string_view> value;
  for (const auto& field : *request.headers) {
    if (!net::http::equals_ignore_case(field.name, wanted.name)) continue;
    if (!value) {
      value = field.value;
      continue;
    }
    if (joined.empty()) joined = *value;
    joined.append(",").append(field.value);
    value = joined;
  }
  return value && wanted.accepts(*value) ? Verdict::kYes : Verdict::kNo;
}

bool check_query(const ValueMatch& wanted, std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equal = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equal)) == wanted.name) {
      return wanted.accepts(percent_decode(pair.substr(std::min(equal + 1, pair.size()))));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

}  // namespace

Verdict check_conditions(const RouteMatch& match, const RouteQuery& request) {
  if (!match.method.empty() && match.method != request.method) return Verdict::kNo;
  Verdict verdict = Verdict::kYes;
  for (const ValueMatch& header : match.headers) {
    const Verdict one = check_header(header, request);
    if (one == Verdict::kNo) return Verdict::kNo;
    if (one == Verdict::kUnknown) verdict = Verdict::kUnknown;
  }
  for (const ValueMatch& parameter : match.query) {
    if (!check_query(parameter, request.query)) return Verdict::kNo;
  }
  return verdict;
}

bool asked_before(const RouteEntry& a, const RouteEntry& b) {
  const auto key = [](const RouteEntry& e) {
    return std::make_tuple(
        e.match.method.empty(), -static_cast<std::int64_t>(e.match.headers.size()),
        -static_cast<std::int64_t>(e.match.query.size()), e.created.empty(),
        std::string_view(e.created), std::string_view(e.name), e.rule, e.position);
  };
  return key(a) < key(b);
}

}  // namespace nacelle::gateway
