#include "kube/server/negotiate.h"

#include <map>
#include <optional>

namespace nacelle::kube::server {
namespace {

constexpr std::string_view kTypes =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return trim(part);
}

struct Clause {
  std::string_view type;
  std::map<std::string_view, std::string_view> parameters;
  [[nodiscard]] std::string_view get(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : found->second;
  }
};

Clause parse_clause(std::string_view text) {
  Clause out;
  out.type = cut(text, ';');
  while (!text.empty()) {
    std::string_view parameter = cut(text, ';');
    const std::string_view name = cut(parameter, '=');
    out.parameters[name] = trim(parameter);
  }
  return out;
}

bool is_json(std::string_view type) {
  return type == "*/*" || type == "application/*" || type == "application/json";
}

std::optional<Wanted> answer_to(const Clause& clause) {
  Wanted out;
  out.yaml = clause.type == "application/yaml";
  if (!is_json(clause.type) && !out.yaml) return std::nullopt;
  const std::string_view as = clause.get("as");
  if (as.empty()) return out;
  if (clause.get("g") != "meta.k8s.io") return std::nullopt;
  const std::string_view version = clause.get("v");
  if (version != "v1" && version != "v1beta1") return std::nullopt;
  out.meta_version = version;
  if (as == "Table") {
    out.form = Form::kTable;
  } else if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
    out.form = Form::kMetadata;
  } else {
    return std::nullopt;
  }
  return out;
}

}  // namespace

Try<Wanted> negotiate(std::string_view accept) {
  if (trim(accept).empty()) return Wanted{};
  std::string_view rest = accept;
  while (!rest.empty()) {
    if (auto wanted = answer_to(parse_clause(cut(rest, ',')))) return std::move(*wanted);
  }
  return not_acceptable(kTypes);
}

Try<DiscoveryForm> negotiate_discovery(std::string_view accept) {
  if (trim(accept).empty()) return DiscoveryForm::kLegacy;
  std::string_view rest = accept;
  while (!rest.empty()) {
    const Clause clause = parse_clause(cut(rest, ','));
    if (!is_json(clause.type)) continue;
    if (clause.get("as").empty()) return DiscoveryForm::kLegacy;
    if (clause.get("as") == "APIGroupDiscoveryList" && clause.get("g") == "apidiscovery.k8s.io" &&
        clause.get("v") == "v2") {
      return DiscoveryForm::kAggregatedV2;
    }
  }
  return not_acceptable(kTypes);
}

bool accepts_type(std::string_view accept, std::string_view type) {
  while (!accept.empty()) {
    if (parse_clause(cut(accept, ',')).type == type) return true;
  }
  return false;
}

}  // namespace nacelle::kube::server
