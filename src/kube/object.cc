#include "kube/object.h"

namespace nacelle::kube {

const Json* find(const Json& object, Path path) {
  const Json* at = &object;
  for (const std::string_view name : path) {
    if (!at->is_object()) return nullptr;
    const auto field = at->find(name);
    if (field == at->end()) return nullptr;
    at = &*field;
  }
  return at->is_null() ? nullptr : at;
}

std::string_view text_at(const Json& object, Path path) {
  const Json* value = find(object, path);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_ref<const std::string&>();
}

std::optional<std::int64_t> number_at(const Json& object, Path path) {
  const Json* value = find(object, path);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  if (!value->is_number_float()) return std::nullopt;
  const auto number = value->get<double>();
  // Beyond 2^53 a float names no single whole number.
  constexpr double kExact = 9007199254740992.0;
  if (!(number >= -kExact && number <= kExact)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(number);
  if (static_cast<double>(whole) != number) return std::nullopt;
  return whole;
}

bool bool_at(const Json& object, Path path) {
  const Json* value = find(object, path);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

const Json& list_at(const Json& object, Path path) {
  static const Json kEmpty = Json::array();
  const Json* value = find(object, path);
  return value != nullptr && value->is_array() ? *value : kEmpty;
}

const Json& map_at(const Json& object, Path path) {
  static const Json kEmpty = Json::object();
  const Json* value = find(object, path);
  return value != nullptr && value->is_object() ? *value : kEmpty;
}

ObjectKey key_of(const Json& object) {
  return {std::string(text_at(object, {"metadata", "namespace"})),
          std::string(text_at(object, {"metadata", "name"}))};
}

void trim(Json& object) {
  if (!object.is_object()) return;
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return;
  metadata->erase("managedFields");
  const auto annotations = metadata->find("annotations");
  if (annotations == metadata->end() || !annotations->is_object()) return;
  annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
}

}  // namespace nacelle::kube
