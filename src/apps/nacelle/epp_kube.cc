#include "apps/nacelle/epp_kube.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "kube/proxy.h"

namespace nacelle::apps {
async::Task<void> EppKube::begin(EppKube* self) {
  self->discovery_->start();
  if (self->elector_ != nullptr) self->elector_->start();
  co_return;
}

// Everything that has timers or sockets goes on the loop it belongs to.
async::Task<void> EppKube::end(EppKube* self, std::promise<void>* ended) {
  self->reviews_.stop();
  self->reviews_.cancel();  // nobody waits for their answers any more
  co_await self->reviews_.join();
  self->leaving_.stop();
  co_await self->leaving_.join();
  if (self->elector_ != nullptr) co_await self->elector_->stop();
  co_await self->discovery_->stop();
  self->elector_.reset();
  self->discovery_.reset();
  self->access_.reset();
  self->client_.reset();
  ended->set_value();
}

Result<std::unique_ptr<EppKube>> EppKube::start(const EppOptions& options, epp::PoolSink& sink) {
  ASSIGN_OR_RETURN(epp::DiscoveryOptions how, discovery_options(options));
  char host[256] = {};
  (void)::gethostname(host, sizeof host - 1);
  ASSIGN_OR_RETURN(kube::LeaderElectionOptions election, election_options(options, host));
  std::unique_ptr<EppKube> out(new EppKube);
  ASSIGN_OR_RETURN(out->client_, kube::Client::create(out->runtime_.loop(0), *options.kube));
  // Nothing fails from here on.
  out->access_ = std::make_unique<kube::TokenAccess>(*out->client_, out->clock_);
  out->discovery_ = std::make_unique<epp::PoolDiscovery>(*out->client_, std::move(how), sink,
                                                         &out->informer_metrics_);
  if (options.leader_election) {
    auto& status = out->metrics_.gauge("leader_election_master_status",
                                       "1 while this replica holds the Lease.", {"name"});
    out->elector_ = std::make_unique<kube::LeaderElector>(
        *out->client_, election, kube::LeaderElector::Callbacks{}, &status.with({election.name}));
  }
  out->runtime_.start();
  async::run_blocking(out->runtime_.loop(0), begin(out.get()));
  return out;
}

async::Task<void> EppKube::stop_elector(kube::LeaderElector* elector) { co_await elector->stop(); }

void EppKube::resign() {
  if (elector_ == nullptr) return;
  runtime_.loop(0).post([this] { leaving_.spawn(stop_elector(elector_.get())); });
}

async::Task<void> EppKube::review(EppKube* self, std::string token, std::string path,
                                  std::shared_ptr<Verdicts> to) {
  if (self->reviews_.stop_requested()) co_return;
  const auto verdict = co_await self->access_->may_get(std::move(token), std::move(path));
  (void)to->post(verdict);
}

async::Task<kube::TokenAccess::Verdict> EppKube::may_get(net::http::ServerExchange& exchange) {
  using Verdict = kube::TokenAccess::Verdict;
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view given = exchange.request().headers.get("authorization");
  if (given.size() <= kScheme.size() ||
      !net::http::equals_ignore_case(given.substr(0, kScheme.size()), kScheme)) {
    co_return Verdict::kUnauthenticated;
  }
  std::string token(given.substr(kScheme.size()));
  std::string path(exchange.request().path());
  const auto verdicts = std::make_shared<Verdicts>(exchange.loop(), 1);
  // Who does not wait any more is not waited for: the owner may be on its way out.
  exchange.on_client_gone([verdicts] { verdicts->close(cancelled("the client left")); });
  runtime_.loop(0).post([this, verdicts, token = std::move(token), path = std::move(path)] {
    reviews_.spawn(review(this, token, path, verdicts));
  });
  std::vector<Verdict> said;
  const TimePoint deadline = clock_.now() + kReviewTime;
  const Status received = co_await verdicts->receive(said, deadline);
  exchange.on_client_gone({});
  co_return received.ok() && !said.empty() ? said.front() : Verdict::kUnknown;
}

// The caller may be on a loop of another runtime, where run_blocking() is not allowed; what it
// waits for here waits for the API server, two seconds at most.
EppKube::~EppKube() {
  if (discovery_ != nullptr) {
    std::promise<void> ended;
    runtime_.loop(0).spawn(end(this, &ended));
    ended.get_future().wait();
  }
  runtime_.stop();
  runtime_.join();
}

Result<kube::LeaderElectionOptions> election_options(const EppOptions& options,
                                                     const std::string& host) {
  kube::LeaderElectionOptions out;
  std::string served = options.pool_name;
  if (served.empty()) served = options.pools_of_service;
  if (served.empty() && !options.pools.empty()) served = options.pools.front().key.name;
  if (served.empty()) served = "endpoint-selector";
  out.name_space = options.pool_namespace;
  out.name = fmt::format("epp-{}-{}.gateway-api-inference-extension.sigs.k8s.io",
                         options.pool_namespace, served);
  out.identity = kube::new_identity(host);
  out.lease_duration = options.lease_duration;
  out.renew_deadline = options.renew_deadline;
  out.retry_period = options.retry_period;
  RETURN_IF_ERROR(kube::validate(out));
  return out;
}

namespace {

Result<kube::ClientConfig> configured_api_server(const std::string& kubeconfig,
                                                 const Environment& environment) {
  const auto variable = [&](const char* name) { return environment(name).value_or(""); };
  if (!kubeconfig.empty()) return kube::load_kubeconfig(kubeconfig);
  if (const std::string files = variable("KUBECONFIG"); !files.empty()) {
    return kube::load_kubeconfigs(files);
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

}  // namespace

Result<kube::ClientConfig> find_api_server(const std::string& kubeconfig,
                                           const Environment& environment) {
  ASSIGN_OR_RETURN(kube::ClientConfig config, configured_api_server(kubeconfig, environment));
  const auto either = [&](const char* upper, const char* lower) {
    return environment(upper).value_or(environment(lower).value_or(""));
  };
  RETURN_IF_ERROR(kube::refuse_proxy(
      config, {either("HTTPS_PROXY", "https_proxy"), either("HTTP_PROXY", "http_proxy"),
               either("NO_PROXY", "no_proxy")}));
  return config;
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
