#include "control/kube/node/local_nodes.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "control/kube/node/kube_inputs.h"
#include "control/kube/node/kube_node.h"
#include "control/kube/node/node_controller.h"
#include "control/kube/node/pod_scheduler.h"
#include "control/kube/node/service_proxy.h"
#include "kube/informer.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;

kube::InformerOptions options_of(const char* plural) {
  kube::InformerOptions out;
  out.resource = kube::Resource("", "v1", plural);
  return out;
}

bool is_node_name(const std::string& name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

Result<std::vector<std::string>> names_of(const LocalNodesOptions& options) {
  std::vector<std::string> out = options.names;
  if (out.empty()) {
    for (std::size_t i = 1; i <= options.nodes; ++i) {
      out.push_back(options.name_prefix + std::to_string(i));
    }
  }
  if (out.empty() || out.size() > LocalNodes::kMaxNodes) {
    return invalid_argument("{} nodes, possible are 1 to {}", out.size(), LocalNodes::kMaxNodes);
  }
  for (const std::string& name : out) {
    if (is_node_name(name)) continue;
    return invalid_argument(
        "node name \"{}\" must be lower case letters, digits and '-', at most 63", name);
  }
  if (std::set<std::string>(out.begin(), out.end()).size() != out.size()) {
    return invalid_argument("two nodes have the same name");
  }
  return out;
}

// What is not given of cpu and memory: the machine's, in equal parts.
void share_machine(std::size_t nodes, pod::Resources& capacity) {
  const auto count = static_cast<std::int64_t>(nodes);
  const auto give = [&](const char* name, std::int64_t amount, const char* unit) {
    if (capacity.contains(name)) return;
    const Result<Quantity> part = Quantity::parse(fmt::format("{}{}", amount / count, unit));
    if (part.ok()) capacity.emplace(name, *part);
  };
  give("cpu", std::int64_t{1000} * ::sysconf(_SC_NPROCESSORS_ONLN), "m");
  give("memory",
       static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) / 1024 * ::sysconf(_SC_PAGESIZE), "Ki");
}

}  // namespace

struct LocalNodes::Impl final : LogSource, MetricsSource {
  Impl(kube::Client& client, NodeLogs& logs, LocalNodesOptions options,
       std::vector<std::string> names)
      : client(client),
        logs(logs),
        options(std::move(options)),
        names(std::move(names)),
        inputs(client),
        all_nodes(client, options_of("nodes"),
                  [this](std::span<const kube::ObjectChange> changes) {
                    scheduler.nodes_changed(changes);
                    controller.nodes_changed(changes);
                  }),
        all_pods(client, options_of("pods"),
                 [this](std::span<const kube::ObjectChange> changes) {
                   scheduler.pods_changed(changes);
                   controller.pods_changed(changes);
                 }),
        scheduler(client, inputs, all_nodes, all_pods),
        controller(client, all_nodes, all_pods, lifecycle_of(this->options)),
        // No node can have that name.
        services(client, inputs.all_services(), this->options.folder / ".hosts",
                 this->options.forward_services),
        sampling(client.loop()) {}

  static node_lifecycle::Options lifecycle_of(const LocalNodesOptions& options) {
    node_lifecycle::Options out;
    out.grace = options.grace;
    out.longest_toleration = options.longest_toleration;
    out.quarantine = options.grace;
    return out;
  }

  [[nodiscard]] NodeConfig config_of(std::size_t index) const {
    NodeConfig out = options.node;
    out.name = names[index];
    out.folder = options.folder / names[index];
    out.pod_range = options.range.pods(index);
    share_machine(names.size(), out.capacity);
    return out;
  }

  async::Task<Status> start(Duration patience);
  async::Task<void> stop(NodeAgent::Stop how);

  void note_services(const std::vector<std::string>& keys) {
    constexpr std::string_view kService = "service/";
    for (std::string_view key : keys) {
      if (!key.starts_with(kService)) continue;
      key.remove_prefix(kService.size());
      const std::size_t slash = key.find('/');
      services.service_changed(
          {std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))});
    }
  }

  // LogSource
  Result<Opened> open_log(const kube::PodLogQuery& query) override {
    Status why = not_found("pod {} is on no node of this process", query.pod.to_string());
    for (const auto& node : nodes) {
      Result<Opened> opened = node->open_log(query);
      if (opened.ok() || opened.error().code() != Code::kNotFound) return opened;
    }
    return why;
  }
  bool log_goes_on(const std::string& uid, const std::string& container,
                   std::uint32_t run) override {
    for (const auto& node : nodes) {
      if (const auto answer = node->log_goes_on(uid, container, run)) return *answer;
    }
    return false;
  }

  // MetricsSource
  std::vector<kube::Json> pod_metrics(std::string_view name_space) override {
    std::vector<kube::Json> out;
    for (const auto& node : nodes) {
      for (kube::Json& one : node->pod_metrics(meter, name_space)) out.push_back(std::move(one));
    }
    return out;
  }
  std::vector<kube::Json> node_metrics() override {
    std::vector<kube::Json> out;
    for (const auto& node : nodes) {
      if (auto one = node->node_metrics(meter, options.sample_every))
        out.push_back(std::move(*one));
    }
    return out;
  }
  async::Task<void> sample();

  kube::Client& client;
  NodeLogs& logs;
  const LocalNodesOptions options;
  const std::vector<std::string> names;
  KubeInputs inputs;
  kube::Informer all_nodes, all_pods;
  PodScheduler scheduler;
  NodeController controller;
  ServiceProxy services;
  std::shared_ptr<void> listening;
  std::vector<std::unique_ptr<KubeNode>> nodes;
  UsageMeter meter;
  async::StopScope sampling;
  bool started = false;
};

async::Task<void> LocalNodes::Impl::sample() {
  for (;;) {
    if (const bool slept = co_await sampling.sleep(options.sample_every); !slept) co_return;
    std::vector<RunningContainer> running;
    for (const auto& node : nodes) {
      for (RunningContainer& one : node->agent().running()) running.push_back(std::move(one));
    }
    if (running.empty()) continue;
    meter.sample(running, ProcessTable::read());
  }
}

async::Task<Status> LocalNodes::Impl::start(Duration patience) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  started = true;
  inputs.start();
  // Before the agents: a container that they restart may refer to any of it.
  CO_RETURN_IF_ERROR(co_await inputs.wait_synced(deadline));
  listening = inputs.listen([this](const std::vector<std::string>& keys) { note_services(keys); });
  inputs.set_hosts(
      [this](const std::string& name_space) { return services.hosts_file(name_space); });
  services.start();
  for (std::size_t i = 0; i < names.size(); ++i) {
    Result<std::unique_ptr<KubeNode>> node =
        co_await KubeNode::create(client, inputs, config_of(i), options.grace);
    if (!node.ok()) co_return node.error().with_context("node " + names[i]);
    nodes.push_back(std::move(*node));
  }
  logs.attach(client.loop(), *this);
  if (options.metrics != nullptr) {
    options.metrics->attach(client.loop(), *this);
    sampling.spawn(sample());
  }
  for (const auto& node : nodes) {
    const Status registered = co_await node->start();
    if (!registered.ok()) co_return registered.with_context("node " + node->name());
  }
  scheduler.start();
  controller.start();
  all_nodes.start();
  all_pods.start();
  co_return Status();
}

async::Task<void> LocalNodes::Impl::stop(NodeAgent::Stop how) {
  if (!std::exchange(started, false)) co_return;
  if (options.metrics != nullptr) options.metrics->detach();
  sampling.stop();
  co_await sampling.join();
  co_await all_pods.stop();
  co_await all_nodes.stop();
  co_await scheduler.stop();
  co_await controller.stop();
  for (const auto& node : nodes) co_await node->stop(how);
  logs.detach();
  nodes.clear();
  listening.reset();
  co_await services.stop();
  co_await inputs.stop();
}

Result<std::unique_ptr<LocalNodes>> LocalNodes::create(kube::Client& client, NodeLogs& logs,
                                                       LocalNodesOptions options) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, names_of(options));
  if (options.grace < 1s) return invalid_argument("the grace of heartbeats is less than a second");
  return std::unique_ptr<LocalNodes>(
      new LocalNodes(std::make_unique<Impl>(client, logs, std::move(options), std::move(names))));
}

LocalNodes::LocalNodes(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalNodes::~LocalNodes() = default;

async::Task<Status> LocalNodes::start(Duration patience) {
  const Status started = co_await impl_->start(patience);
  if (!started.ok()) co_await impl_->stop(NodeAgent::Stop::kLeavePods);
  co_return started;
}

async::Task<void> LocalNodes::stop(NodeAgent::Stop how) { co_await impl_->stop(how); }

std::vector<std::string> LocalNodes::names() const { return impl_->names; }

}  // namespace nacelle::control::node
