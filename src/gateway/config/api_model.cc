#include "gateway/config/api_model.h"

#include <iterator>

#include "gateway/config/compile.h"
#include "gateway/config/decode.h"
#include "kube/pod.h"

namespace nacelle::gateway {
namespace {

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

}  // namespace

std::optional<PodObject> serving_pod(const nlohmann::json& pod) {
  PodObject out;
  out.address = kube::text_at(pod, {"status", "podIP"});
  if (out.address.empty() || !kube::is_ready(pod)) return std::nullopt;
  out.name_space = kube::key_of(pod).name_space;
  for (const auto& [key, value] : kube::map_at(pod, {"metadata", "labels"}).items())
    out.labels[key] = value.is_string() ? value.get<std::string>() : std::string();
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
  ApiModel out;
  for (const ApiObject& object : objects) {
    // By itself, so that a wrong one takes nothing along.
    Objects one;
    Problems wrong;
    decode_object("api", *object, nullptr, one, wrong);
    if (wrong.empty()) {
      move_all(one, all);
    } else {
      const kube::ObjectKey key = kube::key_of(*object);
      problems.add("", wrong.status().message());
      out.report.unreadable[report_key(kube::text_at(*object, {"kind"}), key.to_string())] =
          wrong.status().message();
    }
  }
  out.model = compile_what_holds(all, problems, out.report);
  if (!problems.empty()) out.left_out = problems.status().message();
  return out;
}

}  // namespace nacelle::gateway
