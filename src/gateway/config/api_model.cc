#include "gateway/config/api_model.h"

#include <iterator>

#include "gateway/config/compile.h"
#include "gateway/config/decode.h"

namespace nacelle::gateway {
namespace {

using Json = nlohmann::json;

const Json* member(const Json* object, const char* key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

std::string text(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

template <class T>
void move_all(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void move_all(Objects& from, Objects& to) {
  move_all(from.classes, to.classes);
  move_all(from.gateways, to.gateways);
  move_all(from.routes, to.routes);
  move_all(from.grants, to.grants);
  move_all(from.backend_tls, to.backend_tls);
  move_all(from.services, to.services);
  move_all(from.slices, to.slices);
  move_all(from.pools, to.pools);
  move_all(from.backends, to.backends);
  move_all(from.endpoints, to.endpoints);
  move_all(from.policies, to.policies);
  move_all(from.picker_objects, to.picker_objects);
  move_all(from.secrets, to.secrets);
  move_all(from.config_maps, to.config_maps);
  to.namespaces.merge(from.namespaces);
}

bool is_ready(const Json* status) {
  const Json* conditions = member(status, "conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Json& condition : *conditions) {
    if (text(member(&condition, "type")) == "Ready")
      return text(member(&condition, "status")) == "True";
  }
  return false;
}

}  // namespace

std::optional<PodObject> serving_pod(const Json& pod) {
  const Json* metadata = member(&pod, "metadata");
  const Json* status = member(&pod, "status");
  PodObject out;
  out.address = text(member(status, "podIP"));
  if (out.address.empty() || !is_ready(status)) return std::nullopt;
  if (!text(member(metadata, "deletionTimestamp")).empty()) return std::nullopt;
  out.name_space = text(member(metadata, "namespace"));
  if (const Json* labels = member(metadata, "labels"); labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) out.labels[key] = text(&value);
  }
  return out;
}

ApiModel model_of_api(const std::vector<ApiObject>& objects, const std::vector<ApiObject>& pods,
                      const Settings& settings) {
  Objects all;
  all.settings = settings;
  all.pods.emplace();
  for (const ApiObject& object : pods) {
    if (auto pod = serving_pod(*object)) all.pods->push_back(std::move(*pod));
  }
  Problems problems;
  for (const ApiObject& object : objects) {
    // By itself, so that a wrong one takes nothing along.
    Objects one;
    Problems wrong;
    decode_object("api", *object, nullptr, one, wrong);
    if (wrong.empty()) {
      move_all(one, all);
    } else {
      problems.add("", wrong.status().message());
    }
  }
  ApiModel out;
  out.model = compile_what_holds(all, problems);
  if (!problems.empty()) out.left_out = problems.status().message();
  return out;
}

}  // namespace nacelle::gateway
