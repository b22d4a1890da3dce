#include "apps/nacelle/control_plane.h"

#include <unistd.h>

#include <algorithm>

#include "apps/nacelle/gateway_kinds.h"
#include "apps/nacelle/version.h"
#include "control/kube/claim_controller.h"
#include "control/kube/kinds.h"
#include "engine/engine.h"
#include "gateway/config/compile.h"

namespace nacelle::apps {
namespace {

using kube::Json;

constexpr const char* kSystemNamespace = "kserve";
constexpr const char* kGatewayName = "kserve-ingress-gateway";

// What services and claims count on, made where it is absent.
std::vector<Json> first_objects() {
  std::vector<Json> out = control::custom_resource_definitions();
  for (Json& crd : gateway_custom_resource_definitions()) out.push_back(std::move(crd));
  for (Json& preset : control::preset_objects(kSystemNamespace)) out.push_back(std::move(preset));
  for (Json& one : control::local_path_classes()) out.push_back(std::move(one));
  out.push_back({{"apiVersion", "gateway.networking.k8s.io/v1"},
                 {"kind", "GatewayClass"},
                 {"metadata", {{"name", "nacelle"}}},
                 {"spec", {{"controllerName", gateway::kControllerName}}}});
  return out;
}

// A sixteenth of the memory for each engine's KV cache, where it asks for nothing else: several
// fit.
std::string kv_cache_default() {
  const double pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  const double gib = pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / double{1 << 30};
  return fmt::format("VLLM_CPU_KVCACHE_SPACE={:.2f}", std::max(0.25, gib / 16));
}

}  // namespace

ControlPlane::ControlPlane(Options options) : options_(std::move(options)) {}

ControlPlane::~ControlPlane() {
  if (!stopped_) async::run_blocking(loop(), stop(control::node::NodeAgent::Stop::kLeavePods));
  runtime_.stop();
  runtime_.join();
}

Result<std::unique_ptr<ControlPlane>> ControlPlane::create(Options options) {
  std::unique_ptr<ControlPlane> plane(new ControlPlane(std::move(options)));
  const Options& given = plane->options_;
  plane->runtime_.start();

  ASSIGN_OR_RETURN(plane->addresses_, control::RangeClaim::take(given.folder));
  const control::LoopbackRange range = plane->addresses_->range();
  kube::ApiServerOptions api;
  api.folder = given.folder / "api";
  api.address = given.address;
  api.service_range = range.services();
  api.objects = first_objects();
  api.pod_logs = &plane->logs_;
  api.sources = plane->metrics_.sources();
  api.converters = control::converters();
  api.admissions =
      control::admissions(kSystemNamespace, {.picker_in_gateway = true, .own_engine = true});
  api.admissions.merge(gateway_admissions());
  ASSIGN_OR_RETURN(plane->api_, kube::ApiServer::start(plane->runtime_, std::move(api)));

  plane->transport_ = std::make_shared<kube::LocalTransport>(plane->loop(), plane->api_->handler());
  plane->client_ = std::make_unique<kube::Client>(plane->transport_,
                                                  kube::ClientIdentity{.user_agent = "nacelle"});

  control::node::LocalNodesOptions nodes;
  nodes.folder = given.folder / "nodes";
  nodes.nodes = given.nodes;
  nodes.metrics = &plane->metrics_;
  nodes.range = range;
  nodes.node.range_holder = plane->addresses_->holder();
  nodes.node.engine = given.program;
  // Scripts that start engines need not run one to ask which it is.
  nodes.node.environment = {kv_cache_default(),
                            fmt::format("NACELLE_ENGINE_VERSION={}", kVllmVersion)};
  give_devices(given.devices, nodes.node);
  // A machine's own nodes are lost by hand only: nobody waits five minutes for the rest of it.
  nodes.grace = 5s;
  nodes.longest_toleration = 10s;
  ASSIGN_OR_RETURN(plane->nodes_, control::node::LocalNodes::create(*plane->client_, plane->logs_,
                                                                    std::move(nodes)));
  control::ControllersOptions controllers;
  // There are no roles here, and the gateway picks in process.
  controllers.kserve.platform.rbac = false;
  controllers.kserve.platform.picker_in_gateway = true;
  controllers.llmd.load = given.load;
  controllers.llmd.max_running = engine::EngineConfig().max_num_seqs;
  controllers.llmd.pool_metrics = given.pool_metrics;
  controllers.kserve.traffic = given.traffic;
  controllers.volumes_folder = std::filesystem::absolute(given.folder) / "volumes";
  ASSIGN_OR_RETURN(plane->controllers_,
                   control::Controllers::create(*plane->client_, std::move(controllers)));
  return plane;
}

async::Task<Status> ControlPlane::start() {
  const Status gateway = co_await apply_gateway();
  if (!gateway.ok()) co_return gateway;
  const Status removed = co_await remove_ended_pods();
  if (!removed.ok()) co_return removed;
  controllers_->start();
  co_return co_await nodes_->start();
}

async::Task<Status> ControlPlane::remove_ended_pods() {
  const kube::Resource pods("", "v1", "pods");
  const auto answer = co_await client_->list(pods, "");
  const Status listed = kube::status_of(answer);
  if (!listed.ok()) co_return listed;
  for (const Json& pod : kube::list_at(answer->body, {"items"})) {
    const std::string_view phase = kube::text_at(pod, {"status", "phase"});
    if (phase != "Failed" && phase != "Succeeded") continue;
    const Json& owners = kube::list_at(pod, {"metadata", "ownerReferences"});
    const bool replica = std::any_of(owners.begin(), owners.end(), [](const Json& owner) {
      return kube::text_at(owner, {"kind"}) == "ReplicaSet";
    });
    if (!replica) continue;
    const kube::ObjectKey key = kube::key_of(pod);
    kube::ObjectRef ref(pods, key.name_space, key.name);
    kube::DeleteOptions at_once;
    at_once.grace_seconds = 0;
    const auto gone = co_await client_->remove(std::move(ref), std::move(at_once));
    const Status status = kube::status_of(gone);
    if (!status.ok() && status.code() != Code::kNotFound) co_return status;
  }
  co_return Status();
}

async::Task<Status> ControlPlane::apply_gateway() {
  Json gateway = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                  {"kind", "Gateway"},
                  {"metadata", {{"name", kGatewayName}, {"namespace", kSystemNamespace}}},
                  {"spec",
                   {{"gatewayClassName", "nacelle"},
                    {"listeners",
                     {{{"name", "http"},
                       {"port", options_.gateway_port},
                       {"protocol", "HTTP"},
                       {"allowedRoutes", {{"namespaces", {{"from", "All"}}}}}}}}}}};
  kube::ObjectRef ref({"gateway.networking.k8s.io", "v1", "gateways"}, kSystemNamespace,
                      kGatewayName);
  kube::WriteOptions options = kube::WriteOptions::forced();
  options.field_manager = "nacelle-up";
  const auto answer =
      co_await client_->apply(std::move(ref), std::move(gateway), std::move(options));
  co_return kube::status_of(answer);
}

async::Task<void> ControlPlane::stop(control::node::NodeAgent::Stop pods) {
  stopped_ = true;
  if (controllers_) co_await controllers_->stop();
  if (nodes_) co_await nodes_->stop(pods);
  if (transport_) co_await transport_->stop();
  if (api_) co_await api_->stop();
}

}  // namespace nacelle::apps
