#include "control/core/kserve/conversion.h"

#include <charconv>
#include <string>
#include <utility>

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

constexpr const char* kModelCriticality = "internal.serving.kserve.io/model-criticality";
constexpr const char* kLoraCriticalities = "internal.serving.kserve.io/lora-criticalities";

Json* inside(Json& object, kube::Path path) {
  return const_cast<Json*>(
      find(object, path));  // NOLINT: the same object, found by the same reader
}

void move_member(Json& from, const char* name, Json& to, const char* as) {
  if (const auto at = from.find(name); at != from.end()) {
    to[as] = std::move(*at);
    from.erase(at);
  }
}

void pool_up(Json& pool) {
  if (Json* selector = inside(pool, {"selector"});
      selector != nullptr && selector->is_object() && !selector->contains("matchLabels")) {
    *selector = Json{{"matchLabels", std::move(*selector)}};
  }
  if (const auto at = pool.find("targetPortNumber"); at != pool.end()) {
    pool["targetPorts"] = Json::array({Json{{"number", *at}}});
    pool.erase("targetPortNumber");
  }
  move_member(pool, "extensionRef", pool, "endpointPickerRef");
  if (Json* picker = inside(pool, {"endpointPickerRef"});
      picker != nullptr && picker->is_object()) {
    if (const auto at = picker->find("portNumber"); at != picker->end()) {
      (*picker)["port"] = Json{{"number", *at}};
      picker->erase("portNumber");
    }
  }
}

void pool_down(Json& pool) {
  if (Json* selector = inside(pool, {"selector"}); selector != nullptr && selector->is_object()) {
    *selector = kube::map_at(*selector, {"matchLabels"});
  }
  const auto ports = pool.find("targetPorts");
  if (ports != pool.end()) {
    if (ports->is_array() && !ports->empty()) {
      pool["targetPortNumber"] = (*ports)[0].value("number", Json(8000));
    }
    pool.erase("targetPorts");
  }
  move_member(pool, "endpointPickerRef", pool, "extensionRef");
  if (Json* extension = inside(pool, {"extensionRef"});
      extension != nullptr && extension->is_object()) {
    if (const auto number = number_at(*extension, {"port", "number"})) {
      (*extension)["portNumber"] = *number;
    }
    extension->erase("port");
  }
}

void criticality_up(Json& object, Json& spec) {
  Json* model = inside(spec, {"model"});
  if (model == nullptr || !model->is_object()) return;
  if (const auto at = model->find("criticality"); at != model->end()) {
    object["metadata"]["annotations"][kModelCriticality] = *at;
    model->erase(at);
  }
  Json* adapters = inside(*model, {"lora", "adapters"});
  if (adapters == nullptr || !adapters->is_array()) return;
  Json kept = Json::object();
  for (std::size_t i = 0; i < adapters->size(); ++i) {
    Json& adapter = (*adapters)[i];
    if (!adapter.is_object() || !adapter.contains("criticality")) continue;
    kept[std::to_string(i)] = adapter["criticality"];
    adapter.erase("criticality");
  }
  if (kept.empty()) return;
  object["metadata"]["annotations"][kLoraCriticalities] =
      kept.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void criticality_down(Json& object, Json& spec) {
  Json* annotations = inside(object, {"metadata", "annotations"});
  if (annotations == nullptr || !annotations->is_object()) return;
  if (const auto at = annotations->find(kModelCriticality); at != annotations->end()) {
    if (spec.is_object()) spec["model"]["criticality"] = *at;
    annotations->erase(at);
  }
  if (const auto at = annotations->find(kLoraCriticalities); at != annotations->end()) {
    const Json kept =
        at->is_string() ? Json::parse(at->get_ref<const std::string&>(), nullptr, false) : Json();
    Json* adapters = inside(spec, {"model", "lora", "adapters"});
    if (kept.is_object() && adapters != nullptr && adapters->is_array()) {
      for (const auto& [index, value] : kept.items()) {
        std::size_t place = 0;
        const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), place);
        const bool whole = error == std::errc{} && end == index.data() + index.size();
        if (whole && place < adapters->size() && (*adapters)[place].is_object()) {
          (*adapters)[place]["criticality"] = value;
        }
      }
    }
    annotations->erase(at);
  }
  if (annotations->empty()) object["metadata"].erase("annotations");
}

// What v1alpha1 has no place for.
void drop_new(Json& object, Json& spec) {
  spec.erase("kvCacheOffloading");
  if (Json* prefill = inside(spec, {"prefill"}); prefill != nullptr && prefill->is_object()) {
    prefill->erase("kvCacheOffloading");
  }
  if (Json* model = inside(spec, {"model"}); model != nullptr && model->is_object()) {
    model->erase("confidential");
  }
  Json* status = inside(object, {"status"});
  if (status == nullptr || !status->is_object()) return;
  for (const char* field : {"workloads", "appliedConfigs", "referencedBy"}) status->erase(field);
  if (Json* router = inside(*status, {"router"}); router != nullptr && router->is_object()) {
    router->erase("group");
  }
  if (Json* addresses = inside(*status, {"addresses"});
      addresses != nullptr && addresses->is_array()) {
    for (Json& address : *addresses) {
      if (!address.is_object()) continue;
      address.erase("origin");
      address.erase("models");
    }
  }
}

}  // namespace

Result<Json> convert(Json object, std::string_view api_version) {
  const std::string kind(text_at(object, {"kind"}));
  const std::string from(text_at(object, {"apiVersion"}));
  if (kind != kServiceKind && kind != kConfigKind) {
    return invalid_argument("{} is not converted here", kind);
  }
  for (const std::string_view version : {std::string_view(from), api_version}) {
    if (version != kVersion && version != kOldVersion) {
      return invalid_argument("{} has no version {}", kind, version);
    }
  }
  if (from == api_version) return object;
  object["apiVersion"] = api_version;
  Json nothing = Json::object();
  Json* spec = inside(object, {"spec"});
  if (spec == nullptr || !spec->is_object()) spec = &nothing;
  Json moved = std::move(*spec);  // annotations beside it are written too
  Json* pool = inside(moved, {"router", "scheduler", "pool", "spec"});
  const bool has_pool = pool != nullptr && pool->is_object();
  if (api_version == kVersion) {
    if (has_pool) pool_up(*pool);
    criticality_up(object, moved);
  } else {
    if (has_pool) pool_down(*pool);
    criticality_down(object, moved);
    drop_new(object, moved);
  }
  if (object.contains("spec")) object["spec"] = std::move(moved);
  return object;
}

}  // namespace nacelle::control::kserve
