#include "kube/resource.h"

namespace nacelle::kube {
namespace {

void append_encoded(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

std::string collection_path(const Resource& resource, std::string_view name_space) {
  std::string out = resource.group.empty() ? "/api" : "/apis/" + resource.group;
  out += "/" + resource.version;
  if (!name_space.empty()) {
    out += "/namespaces/";
    append_encoded(out, name_space);
  }
  return out + "/" + resource.plural;
}

std::string object_path(const Resource& resource, std::string_view name_space,
                        std::string_view name) {
  std::string out = collection_path(resource, name_space) + "/";
  append_encoded(out, name);
  return out;
}

std::string object_path(const ObjectRef& object) {
  std::string out = object_path(object.resource, object.name_space, object.name);
  if (!object.subresource.empty()) out += "/" + object.subresource;
  return out;
}

std::string with_query(std::string path, const Query& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    path += separator;
    path += name;
    path += '=';
    append_encoded(path, value);
    separator = '&';
  }
  return path;
}

std::string label_selector(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += key + "=" + value;
  }
  return out;
}

}  // namespace nacelle::kube
