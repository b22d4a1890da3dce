#include "control/kube/node/testing/local_cluster.h"

#include <cstdio>

#include "async/runtime.h"
#include "base/check.h"

namespace nacelle::control::node::testing {
namespace {

async::Task<Status> create_and_start(kube::Client* client, NodeLogs* logs,
                                     const LocalNodesOptions* options,
                                     std::unique_ptr<LocalNodes>* out) {
  Result<std::unique_ptr<LocalNodes>> nodes = LocalNodes::create(*client, *logs, *options);
  if (!nodes.ok()) co_return nodes.error();
  const Status started = co_await (*nodes)->start();
  if (!started.ok()) co_return started;
  *out = std::move(*nodes);
  co_return Status();
}

async::Task<void> stop_all(std::unique_ptr<LocalNodes>* nodes, NodeAgent::Stop how) {
  co_await (*nodes)->stop(how);
  nodes->reset();
}

async::Task<void> stop_transport(kube::LocalTransport* transport) { co_await transport->stop(); }

kube::ApiServerOptions api_options(NodeLogs& logs, NodeMetrics& metrics) {
  kube::ApiServerOptions out;
  out.pod_logs = &logs;
  out.sources = metrics.sources();
  return out;
}

const Json* condition(const Json& object, std::string_view type) {
  for (const Json& one : kube::list_at(object, {"status", "conditions"})) {
    if (kube::text_at(one, {"type"}) == type) return &one;
  }
  return nullptr;
}

}  // namespace

LocalCluster::LocalCluster(LocalNodesOptions options) : options_(std::move(options)) {
  options_.folder = folder_.path() / "nodes";
  options_.node.cgroups = false;
  options_.metrics = &metrics_;
  if (options_.node.engine.empty()) options_.node.engine = "/bin/echo";
  api_ = std::make_unique<kube::testing::ApiFixture>(api_options(logs_, metrics_));
  async::Loop& loop = api_->runtime().loop(1);
  transport_ = std::make_shared<kube::LocalTransport>(loop, api_->server().handler());
  kube::ClientIdentity identity;
  identity.user_agent = "nacelle-node";
  client_ = std::make_unique<kube::Client>(transport_, identity);
}

LocalCluster::~LocalCluster() {
  stop_nodes(NodeAgent::Stop::kEndPods);
  async::run_blocking(api_->runtime().loop(1), stop_transport(transport_.get()));
  client_.reset();
  transport_.reset();
  api_.reset();
}

Status LocalCluster::start_nodes() {
  return async::run_blocking(api_->runtime().loop(1),
                             create_and_start(client_.get(), &logs_, &options_, &nodes_));
}

void LocalCluster::stop_nodes(NodeAgent::Stop how) {
  if (nodes_ == nullptr) return;
  async::run_blocking(api_->runtime().loop(1), stop_all(&nodes_, how));
}

Json LocalCluster::await(const std::string& collection, const std::string& name,
                         const std::function<bool(const Json&)>& holds) {
  const auto watch = api_->watch(fmt::format(
      "{}?watch=true&timeoutSeconds=30&fieldSelector=metadata.name%3D{}", collection, name));
  Json last;
  for (Json event = watch->next(); !event.is_null(); event = watch->next()) {
    last = event.value("object", Json());
    if (event["type"] != "DELETED" && holds(last)) return last;
  }
  std::fprintf(stderr, "%s has not become what was awaited: %s\n", name.c_str(),
               last.dump(1).c_str());
  return nullptr;
}

bool LocalCluster::await_gone(const std::string& collection, const std::string& name) {
  if (api_->get(collection + "/" + name).status == 404) return true;
  const auto watch = api_->watch(fmt::format(
      "{}?watch=true&timeoutSeconds=30&fieldSelector=metadata.name%3D{}", collection, name));
  if (api_->get(collection + "/" + name).status == 404) return true;
  for (Json event = watch->next(); !event.is_null(); event = watch->next()) {
    if (event["type"] == "DELETED") return true;
  }
  return false;
}

void LocalCluster::create_pod(const Json& pod) {
  const auto made = api_->post(kPods, pod);
  if (made.status != 201) std::fprintf(stderr, "%s\n", made.text.c_str());
  CHECK(made.status == 201);
}

Json shell_pod(const std::string& name, const std::string& script) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"terminationGracePeriodSeconds", 1},
            {"containers",
             Json::array({Json{
                 {"name", "c"}, {"image", "busybox"}, {"command", {"/bin/sh", "-c", script}}}})}}}};
}

std::string condition_of(const Json& object, std::string_view type) {
  const Json* found = condition(object, type);
  return found == nullptr ? "" : std::string(kube::text_at(*found, {"status"}));
}

std::string condition_message(const Json& object, std::string_view type) {
  const Json* found = condition(object, type);
  return found == nullptr ? "" : std::string(kube::text_at(*found, {"message"}));
}

}  // namespace nacelle::control::node::testing
