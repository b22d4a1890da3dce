#include "apps/nacelle/local_cluster.h"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include "async/timer.h"
#include "base/file.h"
#include "kernels/worker_pool.h"
#include "kube/conditions.h"
#include "net/listener.h"

namespace nacelle::apps {
namespace {

using kube::Json;

constexpr Duration kDrainTimeout = 10s;

const kube::Resource kServices{"serving.kserve.io", "v1alpha2", "llminferenceservices"};
constexpr std::string_view kPoolSuffix = "-inference-pool";

}  // namespace

LocalCluster::~LocalCluster() = default;

Result<std::unique_ptr<LocalCluster>> LocalCluster::create(async::Runtime& runtime,
                                                           UpOptions options,
                                                           const std::string& program) {
  std::unique_ptr<LocalCluster> cluster(new LocalCluster(runtime, std::move(options)));
  const UpOptions& given = cluster->options_;
  std::error_code error;
  std::filesystem::create_directories(given.data_dir / "manifests", error);
  if (error)
    return unavailable("cannot make the data folder {}: {}", given.data_dir.string(),
                       error.message());

  // Said now, and not by a condition later.
  if (auto free = net::Listener::bind({given.host, given.port}, 1); !free) return free.error();
  const std::size_t threads =
      std::max<std::size_t>(1, kernels::threads_for_this_process() / given.engines);
  ASSIGN_OR_RETURN(cluster->manifest_, make_up_manifest(given, threads, {}));
  cluster->manifest_path_ = std::filesystem::absolute(given.data_dir) / "manifests" /
                            (cluster->manifest_->service + ".yaml");
  ASSIGN_OR_RETURN(cluster->manifest_, make_up_manifest(given, threads, cluster->manifest_path_));
  const bool there = std::filesystem::exists(cluster->manifest_path_, error);
  cluster->apply_ = !there || given.model_given;

  ControlPlane::Options control;
  control.folder = std::filesystem::absolute(given.data_dir);
  control.address = {given.api_host, given.api_port};
  control.gateway_port = given.port;
  control.nodes = given.nodes;
  ASSIGN_OR_RETURN(control.devices, parse_devices(given.devices));
  control.program = program;
  control.load = [self = cluster.get()](const kube::ObjectKey& service) {
    return self->load_of(service);
  };
  control.traffic = [self = cluster.get()](const kube::ObjectKey& pool) {
    return self->traffic_of(pool);
  };
  control.pool_metrics = &cluster->pool_metrics_;
  ASSIGN_OR_RETURN(cluster->control_, ControlPlane::create(std::move(control)));

  gateway::GatewayModel model;
  model.settings.admin = {"127.0.0.1", given.admin_port};
  model.settings.bind_address = given.host;
  ApiGateway::Options follow;
  follow.settings = model.settings;
  follow.addresses = {reachable_host(given.host)};
  DataPlane::Options plane;
  plane.gateway.unbound_ports = gateway::UnboundPorts::kLeaveOut;
  plane.wake = [self = cluster.get()](const std::string& pool) { self->wake(pool); };
  ASSIGN_OR_RETURN(cluster->plane_, DataPlane::bind(runtime, std::move(model), std::move(plane)));
  cluster->plane_->gateway().metrics().add_collector(
      [self = cluster.get()](telemetry::Snapshot& out) { self->pool_metrics_.collect(out); });
  cluster->gateway_ = std::make_unique<ApiGateway>(
      cluster->control_->client(), std::move(follow),
      [plane = cluster->plane_.get()](gateway::GatewayModel next) {
        return plane->apply(std::move(next));
      },
      [plane = cluster->plane_.get()](ApiGateway::Try how) {
        if (how == ApiGateway::Try::kAgain) plane->gateway().try_unserved_ports();
        return plane->gateway().unserved_ports();
      });
  return cluster;
}

std::optional<control::llmd::LoadSample> LocalCluster::load_of(const kube::ObjectKey& service) {
  const std::string pool =
      fmt::format("pool/{}/{}{}", service.name_space, service.name, kPoolSuffix);
  const auto load = plane_->load(pool);
  if (!load) return std::nullopt;
  const auto seconds = [](Duration time) { return static_cast<std::int64_t>(to_seconds(time)); };
  control::llmd::LoadSample out;
  out.held = static_cast<std::int64_t>(load->held);
  out.queued = load->queued + static_cast<double>(load->held);
  out.decode_rate = load->decode_rate;
  out.kv_usage = load->kv_usage;
  out.running = static_cast<std::int64_t>(load->running);
  out.silent_for = seconds(load->silent_for);
  // A pool that never had a request has been idle for as long as we have watched.
  out.idle_for = seconds(load->idle_for.value_or(std::chrono::steady_clock::now() - began_));
  if (const auto counts = plane_->answers(pool)) {
    out.arrived = static_cast<std::int64_t>(counts->arrived);
    out.completed = static_cast<std::int64_t>(counts->all - counts->failed);
  }
  return out;
}

std::optional<control::kserve::PoolTraffic> LocalCluster::traffic_of(
    const kube::ObjectKey& pool) const {
  const auto answers = plane_->answers(fmt::format("pool/{}/{}", pool.name_space, pool.name));
  if (!answers) return std::nullopt;
  return control::kserve::PoolTraffic{static_cast<std::int64_t>(answers->all),
                                      static_cast<std::int64_t>(answers->failed)};
}

void LocalCluster::wake(const std::string& pool) {
  const std::string_view prefix = "pool/";
  std::string_view name(pool);
  if (!name.starts_with(prefix) || !name.ends_with(kPoolSuffix)) return;
  name.remove_prefix(prefix.size());
  name.remove_suffix(kPoolSuffix.size());
  const std::size_t slash = name.find('/');
  kube::ObjectKey service{std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))};
  // Its controller sees who waits: nothing has to be written for that.
  control_->loop().post(
      [control = control_.get(), service = std::move(service)] { control->look_at_load(service); });
}

async::Task<void> LocalCluster::stop_control() {
  co_await control_->stop(options_.leave_pods ? control::node::NodeAgent::Stop::kLeavePods
                                              : control::node::NodeAgent::Stop::kEndPods);
}

async::Task<Status> LocalCluster::start() {
  gateway_->start();
  Status status = co_await control_->start();
  if (status.ok() && apply_) status = co_await apply_manifest();
  co_return status;
}

async::Task<Status> LocalCluster::apply_manifest() {
  for (const UpManifest::Part& part : manifest_->parts) {
    kube::Call call(kube::with_query(kube::object_path(part.object),
                                     {{"fieldManager", "nacelle-up"}, {"force", "true"}}));
    call.method = "PATCH";
    call.content_type = kube::content_type(kube::PatchType::kApply);
    call.body = part.yaml;
    const auto answer = co_await control_->client().call(std::move(call));
    const Status status = kube::status_of(answer);
    if (!status.ok()) co_return status.with_context(manifest_path_.string());
  }
  // Last: a start that failed half way applies again.
  co_return write_file_atomically(manifest_path_, manifest_->text());
}

async::Task<Result<std::string>> LocalCluster::missing() {
  kube::ObjectRef ref(kServices, "default", manifest_->service);
  const auto answer = co_await control_->client().get(std::move(ref));
  if (!answer.ok()) co_return answer.error();
  if (answer->error) co_return answer->error->absent() ? std::string() : answer->error->message;
  const kube::Conditions conditions(kube::list_at(answer->body, {"status", "conditions"}), "");
  if (conditions.status("Ready") == "True") co_return std::string();
  std::string why = "not looked at yet";
  for (const Json& condition : conditions.list()) {
    if (kube::text_at(condition, {"status"}) == "True") continue;
    const std::string_view message = kube::text_at(condition, {"message"});
    const std::string_view reason = kube::text_at(condition, {"reason"});
    why = fmt::format("{}: {}", kube::text_at(condition, {"type"}),
                      message.empty() ? reason : message);
    if (kube::text_at(condition, {"type"}) != "Ready") break;
  }
  co_return why;
}

void LocalCluster::print_start() const {
  fmt::print(
      R"(Nacelle is up.

  gateway  http://{host}:{port}        pools and metrics  http://127.0.0.1:{admin}/endpoints, /metrics
  API      {api}      export KUBECONFIG={kubeconfig}
           kubectl get llmisvc,pods -A        (or: nacelle get llmisvc)
  objects  {data}        applied on the first start: {manifest}
  Ctrl-C drains and stops.

)",
      fmt::arg("host", reachable_host(options_.host)), fmt::arg("port", options_.port),
      fmt::arg("admin", plane_->gateway().admin_port()), fmt::arg("api", control_->api().url()),
      fmt::arg("kubeconfig", control_->api().kubeconfig().string()),
      fmt::arg("data", options_.data_dir.string()), fmt::arg("manifest", manifest_path_.string()));
  std::fflush(stdout);
}

void LocalCluster::print_ready() const {
  fmt::print(R"({name} is ready:

  curl -N http://{host}:{port}/v1/chat/completions -H 'Content-Type: application/json' \
    -d '{{"messages":[{{"role":"user","content":"Hello! What is Nacelle?"}}],"stream":true}}'

)",
             fmt::arg("name", manifest_->service), fmt::arg("host", reachable_host(options_.host)),
             fmt::arg("port", options_.port));
  std::fflush(stdout);
}

// Tells what is in the way of the first service while it changes, and when it is ready.
void LocalCluster::wait() {
  std::string told;
  while (!interrupted_) {
    const Result<std::string> now = async::run_blocking(control_->loop(), missing());
    if (now && now->empty()) {
      print_ready();
      interrupted_.wait(false);
      return;
    }
    if (now && *now != told) {
      told = *now;
      fmt::print("{}: {}\n", manifest_->service, told);
      std::fflush(stdout);
    }
    std::this_thread::sleep_for(20ms);
  }
}

async::Task<void> LocalCluster::watch_signals(async::TerminationSignals* signals) {
  const int number = co_await signals->next();
  if (number == 0) co_return;
  interrupted_ = true;
  interrupted_.notify_all();
  const int second = co_await signals->next();
  if (second == 0) co_return;
  fmt::print(stderr, "stopping at once; engines go on and are taken up by the next start\n");
  std::_Exit(130);
}

async::Task<void> LocalCluster::drain() {
  (void)co_await plane_->drain(std::chrono::steady_clock::now() + kDrainTimeout);
}

int LocalCluster::run(async::TerminationSignals* signals) {
  async::Loop& first = runtime_.loop(0);
  std::promise<void> watched;
  const auto watch = [](LocalCluster* self, async::TerminationSignals* signals,
                        std::promise<void>* done) -> async::Task<void> {
    co_await self->watch_signals(signals);
    done->set_value();
  };
  boost::asio::co_spawn(first.executor(), watch(this, signals, &watched), boost::asio::detached);

  int code = 0;
  Status status = async::run_blocking(control_->loop(), start());
  if (status.ok()) status = plane_->listen();
  if (status.ok()) {
    print_start();
    wait();
    fmt::print("draining, at most {:.0f} s; Ctrl-C again stops at once\n",
               to_seconds(kDrainTimeout));
    std::fflush(stdout);
  } else {
    fmt::print(stderr, "nacelle up: {}\n", status.message());
    code = 1;
  }
  async::run_blocking(control_->loop(), gateway_->stop());
  async::run_blocking(first, drain());
  async::run_blocking(control_->loop(), stop_control());
  if (code == 0) fmt::print("stopped\n");
  signals->cancel();
  watched.get_future().wait();
  return code;
}

}  // namespace nacelle::apps
