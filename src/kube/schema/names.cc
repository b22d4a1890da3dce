#include "kube/schema/names.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::kube::schema {
namespace {

constexpr std::size_t kMaxAnnotationBytes = 262144;
constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

bool is_label_shape(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_value_shape(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

enum class NameRule { kSubdomain, kLabel, kPathSegment };

NameRule rule_of(const Kind& kind) {
  if (kind.group == "rbac.authorization.k8s.io") return NameRule::kPathSegment;
  if (kind.group.empty() && (kind.kind == "Namespace" || kind.kind == "Service")) {
    return NameRule::kLabel;
  }
  return NameRule::kSubdomain;
}

void validate_name(const std::string& name, const Kind& kind, Findings& out) {
  const std::string field = "metadata.name";
  switch (rule_of(kind)) {
    case NameRule::kPathSegment:
      if (name == "." || name == "..")
        out.push_back(invalid(field, name, "may not be '.' or '..'"));
      if (name.find_first_of("/%") != std::string::npos) {
        out.push_back(invalid(field, name, "may not contain '/' or '%'"));
      }
      return;
    case NameRule::kLabel:
      if (name.size() > 63) out.push_back(invalid(field, name, "must be no more than 63 bytes"));
      if (!is_label_shape(name)) out.push_back(invalid(field, name, kLabelText));
      return;
    case NameRule::kSubdomain:
      if (name.size() > 253) {
        out.push_back(invalid(field, name, "must be no more than 253 bytes"));
      } else if (!is_dns_subdomain(name)) {
        out.push_back(invalid(field, name, kSubdomainText));
      }
  }
}

void validate_maps(const Json& metadata, Findings& out) {
  for (const auto& [key, value] : map_at(metadata, {"labels"}).items()) {
    if (!is_qualified_name(key)) {
      out.push_back(invalid("metadata.labels", key,
                            "name part must consist of alphanumeric "
                            "characters, '-', '_' or '.', and must start and end with an "
                            "alphanumeric character"));
    }
    if (!value.is_string() || !is_label_value(value.get_ref<const std::string&>())) {
      out.push_back(invalid("metadata.labels", value, kLabelValueText));
    }
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : map_at(metadata, {"annotations"}).items()) {
    if (!is_qualified_name(key)) {
      out.push_back(invalid("metadata.annotations", key,
                            "prefix part a DNS subdomain, name part "
                            "of at most 63 alphanumeric characters, '-', '_' or '.'"));
    }
    bytes += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes)
    out.push_back(too_long("metadata.annotations", kMaxAnnotationBytes));
}

void validate_finalizers(const Json& metadata, Findings& out) {
  const Json& list = list_at(metadata, {"finalizers"});
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string()) continue;
    const std::string& name = list[i].get_ref<const std::string&>();
    if (name == "orphan" || name == "foregroundDeletion" || name == "kubernetes") continue;
    if (is_qualified_name(name) && name.find('/') != std::string::npos) continue;
    // Old domains without a path ("x.example.com") are let through as real servers do.
    if (is_qualified_name(name) && name.find('.') != std::string::npos) continue;
    out.push_back(invalid(fmt::format("metadata.finalizers[{}]", i), name,
                          "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

void validate_owners(const Json& metadata, Findings& out) {
  const Json& list = list_at(metadata, {"ownerReferences"});
  std::size_t controllers = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("metadata.ownerReferences[{}]", i);
    for (const char* name : {"apiVersion", "kind", "name", "uid"}) {
      if (text_at(list[i], {name}).empty()) {
        out.push_back(required(path + "." + name, std::string(name) + " must not be empty"));
      }
    }
    controllers += bool_at(list[i], {"controller"}) ? 1 : 0;
  }
  if (controllers > 1) {
    out.push_back(invalid("metadata.ownerReferences", controllers,
                          "Only one reference can have Controller set to true"));
  }
}

}  // namespace

bool is_dns_label(std::string_view text) { return text.size() <= 63 && is_label_shape(text); }

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label_shape(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    std::string prefix(text.substr(0, slash));
    for (char& c : prefix) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!is_dns_subdomain(prefix)) return false;
    text.remove_prefix(slash + 1);
  }
  return text.size() <= 63 && is_value_shape(text);
}

bool is_label_value(std::string_view text) {
  return text.empty() || (text.size() <= 63 && is_value_shape(text));
}

void validate_metadata(const Json& object, const Kind& kind, Findings& out) {
  const Json& metadata = map_at(object, {"metadata"});
  const std::string name(text_at(metadata, {"name"}));
  if (name.empty()) {
    out.push_back(required("metadata.name", "name or generateName is required"));
  } else {
    validate_name(name, kind, out);
  }
  validate_maps(metadata, out);
  validate_finalizers(metadata, out);
  validate_owners(metadata, out);
}

void validate_metadata_update(const Json& before, const Json& after, Findings& out) {
  if (!is_being_deleted(before)) return;
  const Json& old_list = list_at(before, {"metadata", "finalizers"});
  std::string added;
  for (const Json& one : list_at(after, {"metadata", "finalizers"})) {
    if (std::find(old_list.begin(), old_list.end(), one) != old_list.end()) continue;
    added += (added.empty() ? "" : ", ") + one.dump();
  }
  if (added.empty()) return;
  out.push_back(forbidden(
      "metadata.finalizers",
      fmt::format("no new finalizers can be added if the object is being deleted, found new "
                  "finalizers []string{{{}}}",
                  added)));
}

}  // namespace nacelle::kube::schema
