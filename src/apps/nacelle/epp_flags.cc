#include "apps/nacelle/epp_flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/nacelle/epp_tls.h"
#include "router/config/scalar_text.h"

namespace nacelle::apps {
namespace {

constexpr Duration kLeastScrapeInterval = 50ms;  // upstream raises shorter ones to it too
constexpr int kDebugVerbosity = 4;
constexpr const char* kUpstreamGroup = "Accepted, without effect here";

struct Accepted {
  const char* name;
  bool takes_value;
  const char* why;
};
constexpr Accepted kAccepted[] = {
    {"--enable-pprof", false, "profiles of Go programs"},
    {"--enable-grpc-stream-metrics", false, "they are always there"},
    {"--grpc-max-send-msg-size", true, "messages have at most 62,000 bytes of body"},
    {"--zap-stacktrace-level", true, "there are no stack traces"},
    {"--zap-time-encoding", true, "times are RFC 3339"},
};
// Set beside KServe's latency predictor, whose part is done in this process.
constexpr const char* kUnusedVariables[] = {"TRAINING_SERVER_URL", "PREDICTION_SERVER_URL"};

// "50ms", "1m30s" as Go writes durations; a number alone is seconds.
Duration read_duration(const std::string& name, const std::string& text, Duration least,
                       Duration most) {
  auto value = router::parse_duration_text(text);
  if (!value) {
    if (const auto seconds = router::parse_number_text(text); seconds && std::abs(*seconds) < 1e9) {
      value = seconds_of(*seconds);
    }
  }
  if (!value) throw CLI::ValidationError(name, "'" + text + "' is no duration such as 30s or 50ms");
  if (*value < least || *value > most) {
    throw CLI::ValidationError(name, fmt::format("{} is not in range {} to {} seconds", text,
                                                 to_seconds(least), to_seconds(most)));
  }
  return *value;
}

struct DurationFlag {
  std::string name, help, shown_default;
  Duration least{}, most{};
};
void add_duration(CLI::App& app, Duration& value, DurationFlag flag) {
  const auto set = [&value, flag](const std::string& text) {
    value = read_duration(flag.name, text, flag.least, flag.most);
  };
  app.add_option_function<std::string>(flag.name, set, flag.help)
      ->type_name("DURATION")
      ->default_str(flag.shown_default);
}

void add_pool_flags(CLI::App& app, EppFlags& flags) {
  EppOptions& epp = flags.epp;
  app.add_option("--endpoints-file", epp.endpoints_file,
                 "endpoints as file-discovery reads them; watched");
  app.add_option("--objects-file", epp.object_files,
                 "InferenceObjective and InferenceModelRewrite documents");
  app.add_option("--pool-name", epp.pool_name, "name of the pool in metrics and objects");
  app.add_option("--pool-namespace", epp.pool_namespace,
                 "its namespace (default: $NAMESPACE, else default)");
  app.add_option("--pool-group", epp.pool_group, "API group of InferencePool")
      ->capture_default_str();
  app.add_option("--pool", flags.pools,
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
}

void add_port_flags(CLI::App& app, EppFlags& flags) {
  EppOptions& epp = flags.epp;
  add_port_flag(app, "--grpc-port", epp.grpc_port, "ext_proc");
  add_port_flag(app, "--grpc-health-port", epp.health_port, "gRPC health");
  add_port_flag(app, "--metrics-port", epp.metrics_port, "HTTP /metrics");
  app.add_option("--bind-host", epp.bind_host, "address of all ports")->capture_default_str();
  app.add_flag("--secure-serving,!--no-secure-serving", epp.secure_serving,
               "TLS on the ext_proc port (default); --secure-serving=false for plain HTTP/2");
  app.add_option("--cert-path", epp.cert_path,
                 "folder with tls.crt and tls.key (default: a self-signed certificate)");
  app.add_flag("--enable-cert-reload", epp.reload_certificate, "load the files again on change");
  app.add_option("--tls-min-version", flags.tls_min_version, "VersionTLS12 or VersionTLS13");
  app.add_option("--tls-cipher-suites", flags.tls_cipher_suites,
                 "by their names in Go, with commas");
  app.add_option("--metrics-cert-dir", epp.metrics_cert_dir,
                 "/metrics over TLS with the tls.crt and tls.key of this folder");
  app.add_option("--metrics-client-ca-file", epp.metrics_client_ca,
                 "/metrics over TLS, for clients with a certificate of these authorities");
  app.add_flag_function(
      "--metrics-endpoint-auth", [&epp](std::int64_t count) { epp.metrics_auth = count > 0; },
      "/metrics needs a bearer token that may get it, as the API server says (default true "
      "where pools come from one)");
  app.add_option("--grpc-max-recv-msg-size", flags.max_receive,
                 "most bytes of one ext_proc message, such as 64Mi (default 4Mi)");
  app.add_flag("--health-checking", epp.health_on_grpc_port, "health on the ext_proc port too");
}

void add_engine_flags(CLI::App& app, EppFlags& flags) {
  EppOptions& epp = flags.epp;
  EngineScrapeFlags& scrape = epp.scrape;
  add_duration(app, epp.scrape_interval,
               {"--refresh-metrics-interval",
                "between two scrapes of an engine; 50ms at least, shorter ones are raised to it",
                "50ms", 0ms, 60s});
  add_duration(app, epp.metrics_stale_after,
               {"--metrics-staleness-threshold", "older gauges do not count", "2s", 100ms, 3600s});
  add_duration(app, epp.gauge_interval,
               {"--refresh-prometheus-metrics-interval", "between two looks at the pool's gauges",
                "1s", 10ms, 3600s});
  app.add_option("--model-server-metrics-scheme", scrape.scheme,
                 "http or https: how engines are scraped (this and the next: default as the "
                 "configuration says)")
      ->check(CLI::IsMember({"http", "https"}));
  app.add_option("--model-server-metrics-path", scrape.path, "path of an engine's metrics")
      ->check([](const std::string& text) {
        return text.starts_with('/') ? std::string() : "'" + text + "' does not begin with /";
      });
  add_port_flag(app, "--model-server-metrics-port", scrape.port, "0: the endpoint's own");
  app.add_flag_function(
      "--model-server-metrics-https-insecure-skip-verify",
      [&scrape](std::int64_t count) { scrape.skip_verify = count > 0; },
      "take any certificate of an engine");
  const char* shape = "of the default engine: name or name{label=value}";
  app.add_option("--total-queued-requests-metric", scrape.waiting, shape);
  app.add_option("--total-running-requests-metric", scrape.running, shape);
  app.add_option("--kv-cache-usage-percentage-metric", scrape.kv_usage, shape);
  app.add_option("--lora-info-metric", scrape.lora, shape);
  app.add_option("--cache-info-metric", scrape.cache_info, shape);
}

void add_pick_flags(CLI::App& app, EppFlags& flags) {
  EppOptions& epp = flags.epp;
  app.add_option("--config-file", epp.config_file, "EndpointPickerConfig; docs/router.md");
  app.add_option("--config-text", epp.config_text, "the same as text")->excludes("--config-file");
  app.add_flag("--allow-experimental-plugins", epp.allow_experimental_plugins,
               "load plugins marked alpha");
  app.add_flag("!--disable-endpoint-subset-filter", epp.use_subset_filter,
               "ignore the proxy's subset hint");
  app.add_flag("--emit-endpoint-scores", epp.emit_endpoint_scores, "scores in dynamic metadata");
  app.add_option("--record", epp.record, "file for every decision; see nacelle route replay");
}

void add_election_flags(CLI::App& app, EppOptions& epp) {
  constexpr Duration kLeast = 10ms;
  constexpr Duration kDay = 86400s;
  app.add_flag("--ha-enable-leader-election", epp.leader_election,
               "of several replicas only the holder of a Lease is ready");
  add_duration(app, epp.lease_duration,
               {"--ha-lease-duration-s",
                "others take over when a Lease was not renewed for so long", "15s", kLeast, kDay});
  add_duration(app, epp.renew_deadline,
               {"--ha-renew-deadline-s", "a leader that cannot renew gives up after this", "10s",
                kLeast, kDay});
  add_duration(app, epp.retry_period,
               {"--ha-retry-period-s", "between two tries", "2s", kLeast, kDay});
}

void add_process_flags(CLI::App& app, EppFlags& flags) {
  add_loops_flag(app, flags.loops);
  add_duration(
      app, flags.drain_timeout,
      {"--drain-timeout", "how long streams may finish after SIGTERM", "30s", 0ms, 86400s});
  add_log_flags(app, flags.log);
  app.add_flag("--tracing", flags.tracing,
               "spans, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector (default true)");
  app.add_option("--zap-encoder", flags.zap.encoder, "json or console; as --log-format")
      ->check(CLI::IsMember({"json", "console"}));
  app.add_option("--zap-log-level", flags.zap.level, "debug, info, error, or a verbosity as of -v");
  app.add_option("-v,--v", flags.zap.verbosity, "verbosity: from 4 on as --log-level debug");
  app.add_flag("--zap-devel", flags.zap.development, "as --zap-encoder console -v 4");
}

void add_accepted_flags(CLI::App& app) {
  for (const Accepted& flag : kAccepted) {
    const std::string help = flag.why;
    CLI::Option* option = flag.takes_value ? app.add_option_function<std::string>(
                                                 flag.name, [](const std::string&) {}, help)
                                           : app.add_flag(flag.name, help);
    option->group(kUpstreamGroup);
  }
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

Status complete_pools(const Environment& environment, EppFlags& flags) {
  EppOptions& epp = flags.epp;
  if (epp.pool_namespace.empty()) {
    epp.pool_namespace = environment("NAMESPACE").value_or("default");
  }
  for (const std::string& text : flags.pools) {
    ASSIGN_OR_RETURN(EppPoolChoice pool, parse_pool(text, epp.pool_namespace));
    epp.pools.push_back(std::move(pool));
  }
  if (!epp.pools.empty() && !epp.pool_name.empty()) {
    return invalid_argument("--pool goes without --pool-name");
  }
  return {};
}

Status complete_tls(EppFlags& flags) {
  if (!flags.tls_min_version.empty()) {
    auto version = go_tls_version(flags.tls_min_version);
    if (!version.ok()) return version.error().with_context("--tls-min-version");
    flags.epp.tls_min_version = *version;
  }
  auto suites = go_cipher_suites(flags.tls_cipher_suites);
  if (!suites.ok()) return suites.error().with_context("--tls-cipher-suites");
  flags.epp.tls_ciphers = std::move(suites->tls12);
  flags.epp.tls_suites = std::move(suites->tls13);
  return {};
}

// A switch that is turned off asks for nothing.
void note_without_effect(const CLI::App& app, const Environment& environment, EppFlags& flags) {
  for (const Accepted& flag : kAccepted) {
    const CLI::Option& option = *app.get_option(flag.name);
    if (option.count() == 0 || option.results().back() == "false") continue;
    flags.without_effect.emplace_back(flag.name);
  }
  for (const char* variable : kUnusedVariables) {
    if (environment(variable)) flags.without_effect.push_back(std::string("$") + variable);
  }
}

}  // namespace

void add_epp_flags(CLI::App& app, EppFlags& flags) {
  add_pick_flags(app, flags);
  add_pool_flags(app, flags);
  add_port_flags(app, flags);
  add_engine_flags(app, flags);
  add_election_flags(app, flags.epp);
  add_process_flags(app, flags);
  add_accepted_flags(app);
}

Args go_arguments(const Args& args) {
  Args out;
  for (const std::string& arg : args) {
    if (arg.empty()) continue;
    out.push_back(arg.starts_with("-v=") ? "-" + arg : arg);
  }
  return out;
}

Status complete_epp_flags(const CLI::App& app, const Environment& environment, EppFlags& flags) {
  RETURN_IF_ERROR(complete_pools(environment, flags));
  RETURN_IF_ERROR(complete_tls(flags));
  if (flags.tracing) RETURN_IF_ERROR(apply_otel_environment(environment, flags.epp.tracing));
  flags.epp.scrape_interval = std::max(flags.epp.scrape_interval, kLeastScrapeInterval);
  if (!flags.max_receive.empty()) {
    const auto bytes = router::parse_quantity_text(flags.max_receive);
    if (!bytes || *bytes < 1024 || *bytes > (std::uint64_t{1} << 31)) {
      return invalid_argument("--grpc-max-recv-msg-size: '{}' is not from 1Ki to 2Gi",
                              flags.max_receive.substr(0, 100));
    }
    flags.epp.max_message_bytes = *bytes;
  }
  note_without_effect(app, environment, flags);
  return {};
}

Result<LogOptions> epp_log_options(const CLI::App& app, const EppFlags& flags) {
  LogOptions out = flags.log;
  const ZapFlags& zap = flags.zap;
  if (app.count("--log-format") == 0 && !zap.encoder.empty()) {
    out.format = zap.encoder == "json" ? "json" : "text";
  }
  if (app.count("--log-level") > 0) return out;
  int verbosity = zap.development ? std::max(zap.verbosity, kDebugVerbosity) : zap.verbosity;
  if (!zap.level.empty()) {
    const char* end = zap.level.data() + zap.level.size();
    if (std::from_chars(zap.level.data(), end, verbosity).ptr != end) {
      for (const char* known : {"debug", "info", "error"}) {
        if (zap.level != known) continue;
        out.level = known;
        return out;
      }
      return invalid_argument("--zap-log-level: '{}' is none of debug, info, error, nor a number",
                              zap.level.substr(0, 100));
    }
  }
  if (verbosity >= kDebugVerbosity) out.level = "debug";
  return out;
}

}  // namespace nacelle::apps
