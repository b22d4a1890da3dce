#include "control/kube/testing/cluster.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/kube/child_kinds.h"
#include "control/kube/claim_controller.h"
#include "control/kube/decision_controller.h"
#include "control/kube/kinds.h"
#include "control/kube/resource_names.h"
#include "kube/http_transport.h"
#include "kube/pod.h"
#include "kube/time.h"
#include "kube/yaml.h"

namespace nacelle::control::testing {
namespace {

using kube::text_at;

kube::ApiServerOptions options(std::map<std::string, kube::ObjectSource*, std::less<>> sources) {
  kube::ApiServerOptions out;
  out.sources = std::move(sources);
  for (Json& object : custom_resource_definitions()) out.objects.push_back(std::move(object));
  for (Json& object : preset_objects("kserve")) out.objects.push_back(std::move(object));
  out.objects.push_back(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "team"}}}});
  out.objects.push_back(*kube::json_of_yaml(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: kserve-ingress-gateway, namespace: kserve}
spec:
  gatewayClassName: nacelle
  listeners: [{name: http, protocol: HTTP, port: 80}]
)"));
  for (Json& object : local_path_classes()) out.objects.push_back(std::move(object));
  out.converters = converters();
  out.admissions = admissions("kserve");
  return out;
}

async::Task<void> start_controllers(Controllers* controllers) {
  controllers->start();
  co_return;
}

async::Task<void> stop_all(Controllers* controllers, kube::LocalTransport* local) {
  co_await controllers->stop();
  if (local != nullptr) co_await local->stop();
}

async::Task<void> drop(std::unique_ptr<kube::Client>* client) {
  client->reset();
  co_return;
}

async::Task<Status> answer_at_once(AddressAsk) { co_return Status(); }

async::Task<bool> is_settled(const Controllers* controllers) { co_return controllers->settled(); }

Json condition_of(const std::string& type, const std::string& now, const Json& object) {
  return {{"type", type},
          {"status", "True"},
          {"reason", type},
          {"message", ""},
          {"lastTransitionTime", now},
          {"observedGeneration", kube::number_at(object, {"metadata", "generation"}).value_or(1)}};
}

bool has_image(const Json& pod, std::string_view image) {
  for (const Json& container : kube::list_at(pod, {"spec", "containers"})) {
    if (text_at(container, {"image"}) == image) return true;
  }
  return false;
}
bool is_broken(const Json& pod) { return has_image(pod, "broken"); }

Decision decide_pod(const Json& pod, std::int64_t now_s) {
  Decision out;
  const std::string now = kube::timestamp(now_s);
  if (kube::is_being_deleted(pod) || kube::is_ready(pod)) return out;
  if (is_broken(pod) && !text_at(pod, {"status", "podIP"}).empty()) return out;
  Json updated = pod;
  if (has_image(pod, "done")) {
    if (text_at(pod, {"status", "phase"}) == "Succeeded") return out;
    updated["status"]["phase"] = "Succeeded";
    out.actions.push_back(UpdateStatus{std::move(updated)});
    return out;
  }
  Json ready = condition_of("Ready", now, pod);
  ready.erase("observedGeneration");
  Json& status = updated["status"];
  status["phase"] = "Running";
  status["podIP"] = "127.1.2.3";
  if (is_broken(pod)) {
    ready["status"] = "False";
    const Json waiting = {{"reason", "CrashLoopBackOff"}, {"message", "back-off 10s"}};
    status["containerStatuses"] = Json::array({{{"name", "main"},
                                                {"image", "broken"},
                                                {"imageID", ""},
                                                {"ready", false},
                                                {"restartCount", 3},
                                                {"state", {{"waiting", waiting}}}}});
  }
  status["conditions"] = Json::array({std::move(ready)});
  out.actions.push_back(UpdateStatus{std::move(updated)});
  return out;
}

// What a gateway says of an object of `kind`.
Json status_by_gateway(const Json& object, const std::string& kind, const std::string& now) {
  if (kind == "Gateway") {
    return {{"addresses", Json::array({{{"type", "IPAddress"}, {"value", "203.0.113.7"}}})},
            {"conditions", Json::array({condition_of("Accepted", now, object),
                                        condition_of("Programmed", now, object)})}};
  }
  Json parent = {{"group", "gateway.networking.k8s.io"},
                 {"kind", "Gateway"},
                 {"name", "kserve-ingress-gateway"},
                 {"namespace", "kserve"}};
  Json entry = {{"conditions", Json::array({condition_of("Accepted", now, object),
                                            condition_of("ResolvedRefs", now, object)})},
                {"parentRef", std::move(parent)}};
  if (kind == "HTTPRoute") entry["controllerName"] = "nacelle.dev/gateway";
  return {{"parents", Json::array({std::move(entry)})}};
}

}  // namespace

std::unique_ptr<ControllerUnit> ready_pods(Workshop& workshop) {
  auto unit = std::make_unique<DecisionController>(
      workshop, "ready-pods", [&workshop](const kube::ObjectKey& key, const std::vector<Refusal>&) {
        const auto pod = workshop.informers.get({"v1", "Pod", key.name_space, key.name});
        return pod ? decide_pod(*pod, workshop.now_s()) : Decision{};
      });
  unit->watch("v1", "Pod", DecisionController::own_key);
  return unit;
}

namespace {

// The status is about the object as it is now.
bool is_judged(const Json& object) {
  const Json status = object.value("status", Json());
  if (status.is_null()) return false;
  const auto generation = kube::number_at(object, {"metadata", "generation"}).value_or(1);
  const Json flat = status.flatten();
  return std::all_of(flat.items().begin(), flat.items().end(), [&](const auto& each) {
    return !each.key().ends_with("/observedGeneration") || each.value() == generation;
  });
}

}  // namespace

std::unique_ptr<ControllerUnit> accepting_gateway(Workshop& workshop, const std::string& kind) {
  const std::string api = kind == "InferencePool" ? "inference.networking.k8s.io/v1" : kGatewayApi;
  auto unit = std::make_unique<DecisionController>(
      workshop, "accepting-" + kind,
      [&workshop, kind, api](const kube::ObjectKey& key, const std::vector<Refusal>&) {
        Decision out;
        auto object = workshop.informers.get({api, kind, key.name_space, key.name});
        if (!object || is_judged(*object)) return out;
        (*object)["status"] = status_by_gateway(*object, kind, kube::timestamp(workshop.now_s()));
        out.actions.push_back(UpdateStatus{*std::move(object)});
        return out;
      });
  unit->watch(api, kind, DecisionController::own_key);
  return unit;
}

Cluster::Cluster(ClusterOptions given)
    : options_(std::move(given)),
      api_(options(options_.sources), options_.door),
      loop_(api_.runtime().loop(1)) {
  start();
}
Cluster::~Cluster() { stop(); }

void Cluster::start() {
  if (options_.door == kube::testing::ApiFixture::Door::kHttps) {
    auto config = kube::load_kubeconfig(api_.server().kubeconfig());
    CHECK(config.ok());
    auto transport = kube::HttpTransport::create(loop_, *std::move(config));
    CHECK(transport.ok());
    client_ = std::make_unique<kube::Client>(std::move(*transport));
  } else {
    local_ = std::make_shared<kube::LocalTransport>(loop_, api_.server().handler());
    client_ = std::make_unique<kube::Client>(local_);
  }
  ControllersOptions options;
  options.volumes_folder = api_.folder() / "volumes";
  options.llmd = options_.llmd;
  options.ask = options_.ask ? options_.ask : AddressProber::Ask(answer_at_once);
  auto controllers = Controllers::create(*client_, std::move(options));
  CHECK(controllers.ok());
  controllers_ = std::move(*controllers);
  Workshop& workshop = controllers_->workshop();
  controllers_->add(ready_pods(workshop));
  for (const char* kind : {"Gateway", "HTTPRoute", "InferencePool"}) {
    controllers_->add(accepting_gateway(workshop, kind));
  }
  async::run_blocking(loop_, start_controllers(controllers_.get()));
}

void Cluster::stop() {
  async::run_blocking(loop_, stop_all(controllers_.get(), local_.get()));
  controllers_.reset();
  async::run_blocking(loop_, drop(&client_));  // its connections are the loop's
  local_.reset();
}

void Cluster::restart_controllers() {
  stop();
  start();
  CHECK(eventually([this] { return async::run_blocking(loop_, is_settled(controllers_.get())); }));
}

bool Cluster::settle() {
  for (int tries = 0; tries < 20; ++tries) {
    const std::string before = version();
    restart_controllers();
    if (version() == before) return true;
  }
  return false;
}

std::string Cluster::version() {
  return std::string(kube::version_of(api_.get("/api/v1/namespaces?limit=1").body));
}

void Cluster::look_at_load(const kube::ObjectKey& service) {
  loop_.post([controllers = controllers_.get(), service] { controllers->look_at_load(service); });
}

kube::testing::ApiReply Cluster::apply(const Json& object) {
  return api_.apply(kube::object_path(ref_of(target_of(object))) + "?fieldManager=test&force=true",
                    object);
}

Json Cluster::get(const std::string& api_version, const std::string& kind, const std::string& name,
                  const std::string& name_space) {
  const auto reply = api_.get(kube::object_path(ref_of({api_version, kind, name_space, name})));
  return reply.status == 200 ? reply.body : Json();
}

std::string Cluster::condition(const Json& object, const std::string& type) {
  for (const Json& one : kube::list_at(object, {"status", "conditions"})) {
    if (text_at(one, {"type"}) != type) continue;
    return std::string(text_at(one, {"status"})) + ": " + std::string(text_at(one, {"reason"})) +
           " " + std::string(text_at(one, {"message"}));
  }
  return "";
}

std::string Cluster::when_true(const std::string& api_version, const std::string& kind,
                               const std::string& name, const std::string& type) {
  std::string last;
  const bool is_true = eventually([&] {
    last = condition(get(api_version, kind, name), type);
    return last.starts_with("True");
  });
  return is_true ? "True" : last;
}

}  // namespace nacelle::control::testing
