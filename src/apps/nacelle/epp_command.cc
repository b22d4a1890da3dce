#include <cstdlib>
#include <thread>

#include "apps/nacelle/command_line.h"
#include "apps/nacelle/epp_server.h"
#include "apps/nacelle/otel_environment.h"
#include "async/signals.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

struct Options {
  EppOptions epp;
  std::vector<std::string> pools;
  std::size_t loops = 0;
  double drain_timeout_s = 30;
  LogOptions log;
};

async::Task<int> run_until_signal(EppServer* process, async::TerminationSignals* signals,
                                  double timeout_s) {
  const int first = co_await signals->next();
  log::info("draining", {{"signal", first}, {"timeout_seconds", timeout_s}});
  co_await process->drain(std::chrono::steady_clock::now() + seconds_of(timeout_s));
  co_return 0;
}

// "ns/name=file", of which the first and last part may be missing.
Result<EppPoolChoice> parse_pool(std::string_view text, const std::string& name_space) {
  EppPoolChoice out;
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string_view key = text.substr(0, equals);
  if (equals < text.size()) out.endpoints_file = text.substr(equals + 1);
  const std::size_t slash = key.find('/');
  const bool has_space = slash != std::string_view::npos;
  out.key.name_space = has_space ? std::string(key.substr(0, slash)) : name_space;
  out.key.name = has_space ? key.substr(slash + 1) : key;
  const bool no_file = equals < text.size() && out.endpoints_file.empty();
  if (out.key.name.empty() || out.key.name_space.empty() || no_file) {
    return invalid_argument("--pool '{}' is not of the form NAMESPACE/NAME=FILE", text);
  }
  return out;
}

Status complete(Options& options) {
  const auto environment = process_environment();
  EppOptions& epp = options.epp;
  if (epp.pool_namespace.empty()) {
    epp.pool_namespace = environment("NAMESPACE").value_or("default");
  }
  for (const std::string& text : options.pools) {
    ASSIGN_OR_RETURN(EppPoolChoice pool, parse_pool(text, epp.pool_namespace));
    epp.pools.push_back(std::move(pool));
  }
  if (!epp.pools.empty() && !epp.pool_name.empty()) {
    return invalid_argument("--pool goes without --pool-name");
  }
  return {};
}

CLI::Option* add_seconds(CLI::App& app, const std::string& name, Duration& value,
                         const std::string& help) {
  const auto set = [&value](double seconds) { value = seconds_of(seconds); };
  return app.add_option_function<double>(name, set, help)
      ->check(CLI::Range(0.01, 86400.0))
      ->default_str(fmt::format("{}", to_seconds(value)));
}

void add_election_flags(CLI::App& app, EppOptions& epp) {
  app.add_flag("--ha-enable-leader-election", epp.leader_election,
               "of several replicas only the holder of a Lease is ready");
  add_seconds(app, "--ha-lease-duration-s", epp.lease_duration,
              "others take over when a Lease was not renewed for so long");
  add_seconds(app, "--ha-renew-deadline-s", epp.renew_deadline,
              "a leader that cannot renew gives up after this");
  add_seconds(app, "--ha-retry-period-s", epp.retry_period, "between two tries");
}

void add_flags(CLI::App& app, Options& options, double& scrape_ms, double& stale_s) {
  EppOptions& epp = options.epp;
  app.add_option("--config-file", epp.config_file, "EndpointPickerConfig; docs/router.md");
  app.add_option("--config-text", epp.config_text, "the same as text")->excludes("--config-file");
  app.add_option("--endpoints-file", epp.endpoints_file,
                 "endpoints as file-discovery reads them; watched");
  app.add_option("--objects-file", epp.object_files,
                 "InferenceObjective and InferenceModelRewrite documents");
  app.add_option("--pool-name", epp.pool_name, "name of the pool in metrics and objects");
  app.add_option("--pool-namespace", epp.pool_namespace,
                 "its namespace (default: $NAMESPACE, else default)");
  app.add_option("--pool-group", epp.pool_group, "API group of InferencePool")
      ->capture_default_str();
  app.add_option("--pool", options.pools,
                 "one of several pools: NAME, NAMESPACE/NAME, or either with =FILE of endpoints");
  app.add_option("--pools-of-service", epp.pools_of_service,
                 "every InferencePool of the namespace whose endpointPickerRef names this Service");
  app.add_option("--endpoint-selector", epp.endpoint_selector,
                 "pods by label, without an InferencePool");
  app.add_option("--endpoint-target-ports", epp.endpoint_target_ports, "ports of those pods")
      ->delimiter(',')
      ->check(CLI::Range(1, 65535));
  app.add_option("--kubeconfig", epp.kubeconfig,
                 "API server and credentials (default: $KUBECONFIG, else the pod's own)");
  add_port_flag(app, "--grpc-port", epp.grpc_port, "ext_proc");
  add_port_flag(app, "--grpc-health-port", epp.health_port, "gRPC health");
  add_port_flag(app, "--metrics-port", epp.metrics_port, "HTTP /metrics");
  app.add_option("--bind-host", epp.bind_host, "address of all ports")->capture_default_str();
  app.add_flag("--secure-serving,!--no-secure-serving", epp.secure_serving,
               "TLS on the ext_proc port (default); --secure-serving=false for plain HTTP/2");
  app.add_option("--cert-path", epp.cert_path,
                 "folder with tls.crt and tls.key (default: a self-signed certificate)");
  app.add_flag("--enable-cert-reload", epp.reload_certificate, "load the files again on change");
  app.add_flag("--health-checking", epp.health_on_grpc_port, "health on the ext_proc port too");
  app.add_flag("--allow-experimental-plugins", epp.allow_experimental_plugins,
               "load plugins marked alpha");
  app.add_flag_callback(
      "--disable-endpoint-subset-filter", [&epp] { epp.use_subset_filter = false; },
      "ignore the proxy's subset hint");
  app.add_flag("--emit-endpoint-scores", epp.emit_endpoint_scores, "scores in dynamic metadata");
  app.add_option("--refresh-metrics-interval-ms", scrape_ms, "between two scrapes of an engine")
      ->check(CLI::Range(50.0, 60000.0))
      ->capture_default_str();
  app.add_option("--metrics-staleness-threshold-s", stale_s, "older gauges do not count")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--record", epp.record, "file for every decision; see nacelle route replay");
  add_loops_flag(app, options.loops);
  add_seconds_flag(app, "--drain-timeout", options.drain_timeout_s,
                   "seconds that streams may finish after SIGTERM");
  add_log_flags(app, options.log);
}

}  // namespace

int epp_command(const Args& args) {
  Options options;
  double scrape_ms = 50;
  double stale_s = 2;
  CLI::App app{"An Endpoint Picker for Envoy and other proxies that speak ext_proc.",
               "nacelle epp"};
  add_flags(app, options, scrape_ms, stale_s);
  add_election_flags(app, options.epp);
  if (const auto code = parse_command_line(app, args)) return *code;
  if (const Status completed = complete(options); !completed.ok()) return fail(app, completed);
  options.epp.scrape_interval = seconds_of(scrape_ms / 1000);
  options.epp.metrics_stale_after = seconds_of(stale_s);
  if (const Status configured = configure_log(options.log); !configured.ok())
    return fail(app, configured);
  async::Runtime runtime(options.loops > 0 ? options.loops
                                           : std::max(1u, std::thread::hardware_concurrency()));
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  auto process = EppServer::start(runtime, options.epp);
  if (!process) {
    runtime.stop();
    runtime.join();
    return fail(app, process.error());
  }
  log::info("endpoint picker listens", {{"grpc_port", (*process)->grpc_port()},
                                        {"health_port", (*process)->health_port()},
                                        {"metrics_port", (*process)->metrics_port()},
                                        {"tls", options.epp.secure_serving}});
  const int code = async::run_blocking(
      runtime.loop(0), run_until_signal(process->get(), &signals, options.drain_timeout_s));
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
