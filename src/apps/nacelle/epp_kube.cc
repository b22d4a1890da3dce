#include "apps/nacelle/epp_kube.h"

#include <filesystem>
#include <future>
#include <utility>

namespace nacelle::apps {
namespace {

async::Task<void> begin(epp::PoolDiscovery* discovery) {
  discovery->start();
  co_return;
}

// Everything that has timers or sockets goes on the loop it belongs to.
async::Task<void> end(std::unique_ptr<epp::PoolDiscovery>* discovery,
                      std::unique_ptr<kube::Client>* client, std::promise<void>* ended) {
  co_await (*discovery)->stop();
  discovery->reset();
  client->reset();
  ended->set_value();
}

}  // namespace

Result<std::unique_ptr<EppKube>> EppKube::start(const EppOptions& options, epp::PoolSink& sink) {
  ASSIGN_OR_RETURN(epp::DiscoveryOptions how, discovery_options(options));
  std::unique_ptr<EppKube> out(new EppKube);
  ASSIGN_OR_RETURN(out->client_, kube::Client::create(out->runtime_.loop(0), *options.kube));
  out->discovery_ = std::make_unique<epp::PoolDiscovery>(*out->client_, std::move(how), sink,
                                                         &out->informer_metrics_);
  out->runtime_.start();
  async::run_blocking(out->runtime_.loop(0), begin(out->discovery_.get()));
  return out;
}

// The caller may be on a loop of another runtime, where run_blocking() is not allowed; what it
// waits for here waits for nobody.
EppKube::~EppKube() {
  if (discovery_ != nullptr) {
    std::promise<void> ended;
    runtime_.loop(0).spawn(end(&discovery_, &client_, &ended));
    ended.get_future().wait();
  }
  runtime_.stop();
  runtime_.join();
}

Result<kube::ClientConfig> find_api_server(const std::string& kubeconfig,
                                           const Environment& environment) {
  const auto variable = [&](const char* name) { return environment(name).value_or(""); };
  if (!kubeconfig.empty()) return kube::load_kubeconfig(kubeconfig);
  if (const std::string files = variable("KUBECONFIG"); !files.empty()) {
    return kube::load_kubeconfig(files.substr(0, files.find(':')));
  }
  auto pod = kube::in_cluster_config(
      {.host = variable("KUBERNETES_SERVICE_HOST"), .port = variable("KUBERNETES_SERVICE_PORT")});
  if (pod.ok() || pod.error().code() != Code::kNotFound) return pod;
  const std::filesystem::path home = variable("HOME");
  std::error_code ignored;
  if (!home.empty() && std::filesystem::exists(home / ".kube" / "config", ignored)) {
    return kube::load_kubeconfig(home / ".kube" / "config");
  }
  return not_found(
      "no Kubernetes API server is known: give --kubeconfig or --endpoints-file, or run in a pod "
      "({})",
      pod.error().message());
}

Result<epp::DiscoveryOptions> discovery_options(const EppOptions& options) {
  epp::DiscoveryOptions out;
  out.pool_group = options.pool_group;
  out.name_space = options.pool_namespace;
  out.picker_service = options.pools_of_service;
  if (!options.pool_name.empty()) {
    out.pools.push_back({options.pool_namespace, options.pool_name});
  }
  for (const EppPoolChoice& pool : options.pools) out.pools.push_back(pool.key);
  if (!options.endpoint_selector.empty()) {
    if (!out.pools.empty() || !out.picker_service.empty()) {
      return invalid_argument("--endpoint-selector goes with no other choice of pools");
    }
    if (options.endpoint_target_ports.empty()) {
      return invalid_argument("--endpoint-selector needs --endpoint-target-ports");
    }
    epp::InferencePool pool;
    pool.key = {options.pool_namespace, "endpoint-selector"};
    pool.selector = options.endpoint_selector;
    pool.ports = options.endpoint_target_ports;
    out.fixed.push_back(std::move(pool));
    return out;
  }
  if (!out.pools.empty() && !out.picker_service.empty()) {
    return invalid_argument("--pools-of-service goes with neither --pool-name nor --pool");
  }
  if (out.pools.empty() && out.picker_service.empty()) {
    return invalid_argument(
        "no endpoints: give --endpoints-file, or configure file-discovery under "
        "dataLayer.discovery, or name pools of a Kubernetes API: --pool-name, --pool, "
        "--pools-of-service or --endpoint-selector");
  }
  return out;
}

}  // namespace nacelle::apps
