#include "control/core/llmd/service_form.h"

#include <algorithm>
#include <utility>

#include "base/quantity.h"
#include "control/core/llmd/device_memory.h"

namespace nacelle::control::llmd {

using kube::Json;
using kube::text_at;

std::string model_uri(const Json& service) {
  const std::string_view type = text_at(service, {"spec", "model", "source", "type"});
  const std::string_view uri = text_at(service, {"spec", "model", "source", "uri"});
  if (!uri.empty()) return std::string(uri);
  const std::string id(text_at(service, {"spec", "model", "id"}));
  if (id.find("://") != id.npos) return id;
  if (id.starts_with('/')) return "file://" + id;
  return (type.empty() || type == "HuggingFace" ? "hf://" : "") + id;
}

Json kserve_form(const Json& service, std::int64_t replicas) {
  const Json& spec = kube::map_at(service, {"spec"});
  Json main = {{"name", "main"}};
  if (const std::string_view image = text_at(spec, {"engine", "image"}); !image.empty()) {
    main["image"] = image;
  }
  Json args = Json::array();
  for (const Json& arg : kube::list_at(spec, {"engine", "args"})) {
    if (arg.is_string()) args.push_back(arg);
  }
  if (!args.empty()) main["args"] = std::move(args);
  for (const char* part : {"limits", "requests"}) {
    const Json& amounts = kube::map_at(spec, {"resources", part});
    if (!amounts.empty()) main["resources"][part] = amounts;
  }
  Json out = service;
  out["spec"] = {
      {"model", {{"uri", model_uri(service)}, {"name", text_at(spec, {"model", "id"})}}},
      {"replicas", replicas},
      {"template", {{"containers", Json::array({std::move(main)})}}},
      {"router",
       {{"route", Json::object()}, {"gateway", Json::object()}, {"scheduler", Json::object()}}}};
  return out;
}

DeviceAsk device_ask(const Json& service) {
  DeviceAsk out;
  for (const auto& [name, amount] :
       kube::map_at(service, {"spec", "resources", "limits"}).items()) {
    if (!is_device(name)) continue;
    const auto count = Quantity::from_json(amount);
    if (count.ok() && count->value() > out.count) out = {name, count->value()};
  }
  return out;
}

std::int64_t devices_of(const Json& service) {
  return std::max<std::int64_t>(1, device_ask(service).count);
}

}  // namespace nacelle::control::llmd
