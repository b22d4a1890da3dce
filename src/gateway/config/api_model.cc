#include "gateway/config/api_model.h"

#include <utility>

#include "gateway/config/compile.h"
#include "gateway/config/decode.h"
#include "kube/pod.h"

namespace nacelle::gateway {
namespace {

void add_all(const Objects& from, Objects& to) {
  to.classes.append(from.classes);
  to.gateways.append(from.gateways);
  to.routes.append(from.routes);
  to.grants.append(from.grants);
  to.backend_tls.append(from.backend_tls);
  to.services.append(from.services);
  to.slices.append(from.slices);
  to.pools.append(from.pools);
  to.backends.append(from.backends);
  to.endpoints.append(from.endpoints);
  to.policies.append(from.policies);
  to.picker_objects.append(from.picker_objects);
  to.secrets.append(from.secrets);
  to.config_maps.append(from.config_maps);
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

const std::shared_ptr<const PodObject>& ApiReader::read_pod(const ApiObject& object) {
  const auto [at, is_new] = pods_.try_emplace(object);
  if (is_new) {
    if (auto pod = serving_pod(*object))
      at->second.pod = std::make_shared<const PodObject>(std::move(*pod));
  }
  at->second.turn = turn_;
  return at->second.pod;
}

ApiModel ApiReader::model(const std::vector<ApiObject>& objects, const std::vector<ApiObject>& pods,
                          const Settings& settings) {
  ++turn_;
  Objects all;
  all.settings = settings;
  all.pods.emplace();
  for (const ApiObject& object : pods) {
    if (const auto& pod = read_pod(object)) all.pods->push_back(pod);
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
  const auto is_gone = [this](const auto& entry) { return entry.second.turn != turn_; };
  std::erase_if(read_, is_gone);
  std::erase_if(pods_, is_gone);
  out.model = compile_what_holds(all, problems, out.report);
  if (!problems.empty()) out.left_out = problems.status().message();
  return out;
}

ApiModel model_of_api(const std::vector<ApiObject>& objects, const std::vector<ApiObject>& pods,
                      const Settings& settings) {
  return ApiReader().model(objects, pods, settings);
}

}  // namespace nacelle::gateway
