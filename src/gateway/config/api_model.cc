#include "gateway/config/api_model.h"

#include <utility>

#include "gateway/config/compile.h"
#include "gateway/config/decode.h"
#include "kube/pod.h"

namespace nacelle::gateway {
namespace {

template <class T>
void add_all(const std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

void add_all(const Objects& from, Objects& to) {
  add_all(from.classes, to.classes);
  add_all(from.gateways, to.gateways);
  add_all(from.routes, to.routes);
  add_all(from.grants, to.grants);
  add_all(from.backend_tls, to.backend_tls);
  add_all(from.services, to.services);
  add_all(from.slices, to.slices);
  add_all(from.pools, to.pools);
  add_all(from.backends, to.backends);
  add_all(from.endpoints, to.endpoints);
  add_all(from.policies, to.policies);
  add_all(from.picker_objects, to.picker_objects);
  add_all(from.secrets, to.secrets);
  add_all(from.config_maps, to.config_maps);
  to.namespaces.insert(from.namespaces.begin(), from.namespaces.end());
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

const ApiReader::Read& ApiReader::read(const ApiObject& object) {
  const auto [at, is_new] = read_.try_emplace(object);
  Read& read = at->second;
  if (is_new) {
    // By itself, so that a wrong one takes nothing along.
    Problems wrong;
    decode_object("api", *object, nullptr, read.objects, wrong);
    if (!wrong.empty()) read.wrong = wrong.status().message();
  }
  read.turn = turn_;
  return read;
}

ApiModel ApiReader::model(const std::vector<ApiObject>& objects, const std::vector<ApiObject>& pods,
                          const Settings& settings) {
  ++turn_;
  Objects all;
  all.settings = settings;
  all.pods.emplace();
  for (const ApiObject& object : pods) {
    if (auto pod = serving_pod(*object)) all.pods->push_back(std::move(*pod));
  }
  Problems problems;
  ApiModel out;
  for (const ApiObject& object : objects) {
    const Read& one = read(object);
    if (one.wrong.empty()) {
      add_all(one.objects, all);
    } else {
      const kube::ObjectKey key = kube::key_of(*object);
      problems.add("", one.wrong);
      out.report.unreadable[report_key(kube::text_at(*object, {"kind"}), key.to_string())] =
          one.wrong;
    }
  }
  std::erase_if(read_, [this](const auto& entry) { return entry.second.turn != turn_; });
  out.model = compile_what_holds(all, problems, out.report);
  if (!problems.empty()) out.left_out = problems.status().message();
  return out;
}

ApiModel model_of_api(const std::vector<ApiObject>& objects, const std::vector<ApiObject>& pods,
                      const Settings& settings) {
  return ApiReader().model(objects, pods, settings);
}

}  // namespace nacelle::gateway
