#include "kube/patch/field_set.h"

#include "kube/patch.h"
#include "kube/patch/go_text.h"

namespace nacelle::kube {
namespace {

// Keys and values of elements in one spelling, so that equal elements are equal text.
Result<std::string> normal_element(const std::string& element) {
  if (element.size() < 2 || element[1] != ':') {
    return invalid_argument("\"{}\" is no path element", element);
  }
  const char kind = element[0];
  if (kind == 'f' || kind == 'i') return element;
  if (kind != 'k' && kind != 'v') return invalid_argument("\"{}\" is no path element", element);
  const Json value = Json::parse(element.substr(2), nullptr, false);
  constexpr std::size_t kMostNesting = 8;
  if (value.is_discarded() || (kind == 'k' && !value.is_object()) ||
      nesting_of(value, kMostNesting) > kMostNesting) {
    return invalid_argument("\"{}\" holds no JSON", element);
  }
  return std::string(1, kind) + ":" + to_json_text(value);
}

Result<FieldSet> parse(const Json& fields, std::size_t depth) {
  if (!fields.is_object()) return invalid_argument("fieldsV1 holds {}", fields.type_name());
  if (depth > kMaxMergeDepth) return invalid_argument("fieldsV1 is nested too deep");
  FieldSet set;
  set.member = depth > 0 && (fields.empty() || fields.contains("."));
  for (const auto& [element, below] : fields.items()) {
    if (element == ".") continue;
    ASSIGN_OR_RETURN(std::string normal, normal_element(element));
    ASSIGN_OR_RETURN(FieldSet child, parse(below, depth + 1));
    set.children.insert_or_assign(std::move(normal), std::move(child));
  }
  return set;
}

// `.name`, `[name="a"]`, `[="x"]`, `[3]`.
std::string path_text(const std::string& element) {
  const std::string rest = element.substr(2);
  if (element[0] == 'f') return "." + rest;
  if (element[0] == 'i') return "[" + rest + "]";
  if (element[0] == 'v') return "[=" + rest + "]";
  std::string text = "[";
  const Json keys = Json::parse(rest, nullptr, false);
  for (const auto& [name, value] : keys.items()) {
    if (text.size() > 1) text += ',';
    text += name + "=" + to_json_text(value);
  }
  return text + "]";
}

void collect(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [element, child] : set.children) {
    if (child.member) out.push_back(prefix + path_text(element));
  }
  for (const auto& [element, child] : set.children) {
    if (!child.children.empty()) collect(child, prefix + path_text(element), out);
  }
}

}  // namespace

FieldSet unite(FieldSet a, const FieldSet& b) {
  a.member = a.member || b.member;
  for (const auto& [element, child] : b.children) {
    FieldSet& mine = a.children[element];
    mine = unite(std::move(mine), child);
  }
  return a;
}

FieldSet intersect(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && b.member;
  for (const auto& [element, child] : a.children) {
    const FieldSet* other = b.child(element);
    if (other == nullptr) continue;
    FieldSet both = intersect(child, *other);
    if (!both.empty()) out.children.emplace(element, std::move(both));
  }
  return out;
}

FieldSet subtract(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && !b.member;
  for (const auto& [element, child] : a.children) {
    const FieldSet* other = b.child(element);
    FieldSet rest = other == nullptr ? child : subtract(child, *other);
    if (!rest.empty()) out.children.emplace(element, std::move(rest));
  }
  return out;
}

Result<FieldSet> parse_field_set(const Json& fields_v1) { return parse(fields_v1, 0); }

Json to_fields_v1(const FieldSet& set) {
  Json out = Json::object();
  if (set.member && !set.children.empty()) out["."] = Json::object();
  for (const auto& [element, child] : set.children) out[element] = to_fields_v1(child);
  return out;
}

std::vector<std::string> paths_of(const FieldSet& set) {
  std::vector<std::string> out;
  collect(set, "", out);
  return out;
}

}  // namespace nacelle::kube
