// object.h: Kubernetes objects as JSON, read without trust.
//
// An object is a JSON tree: unknown fields stay, and no field is taken for granted. The readers
// below answer "absent" for a missing field, null, or a value of another type, since lists may be
// null and numbers may come as floats.
//
// Home:    pure; any thread.
// Source:  kubernetes-api.md sections 8, 25 (JSON tolerance).
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace nacelle::kube {

using Json = nlohmann::json;

struct ObjectKey {
  std::string name_space;  // "" for objects of the cluster
  std::string name;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  [[nodiscard]] std::string to_string() const {
    return name_space.empty() ? name : name_space + "/" + name;
  }
};

using Path = std::initializer_list<std::string_view>;

// The value behind a path of field names; null when any step is missing.
[[nodiscard]] const Json* find(const Json& object, Path path);
// "" when absent. The view lives as long as the object.
[[nodiscard]] std::string_view text_at(const Json& object, Path path);
[[nodiscard]] std::optional<std::int64_t> number_at(const Json& object, Path path);
[[nodiscard]] bool bool_at(const Json& object, Path path);
// An empty list when absent.
[[nodiscard]] const Json& list_at(const Json& object, Path path);
// An empty map when absent.
[[nodiscard]] const Json& map_at(const Json& object, Path path);

// JSON text; bytes that are no UTF-8 are replaced.
[[nodiscard]] inline std::string text_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

[[nodiscard]] ObjectKey key_of(const Json& object);
[[nodiscard]] inline std::string_view version_of(const Json& object) {
  return text_at(object, {"metadata", "resourceVersion"});
}
[[nodiscard]] inline bool is_being_deleted(const Json& object) {
  return find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

// Drops what no controller of ours reads and what makes most of an object's size: managedFields and
// the copy that `kubectl apply` keeps.
void trim(Json& object);

}  // namespace nacelle::kube
