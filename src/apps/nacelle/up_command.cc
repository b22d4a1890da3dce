#include <CLI/CLI.hpp>

#include <algorithm>

#include "apps/nacelle/commands.h"
#include "apps/nacelle/device_option.h"
#include "apps/nacelle/local_cluster.h"
#include "apps/nacelle/up.h"
#include "base/file.h"
#include "router/policy.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

int fail(const Status& status) {
  fmt::print(stderr, "nacelle up: {}\n", status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

// The folder an engine would load, checked before any process starts.
Status check_model(const std::filesystem::path& model) {
  std::error_code error;
  if (!std::filesystem::is_directory(model, error)) {
    return not_found("no model folder at {} (a folder with config.json and *.safetensors)",
                     model.string());
  }
  if (!std::filesystem::exists(model / "config.json", error)) {
    return not_found("{} has no config.json", model.string());
  }
  return {};
}

int serve_alone(async::Runtime& runtime, const UpOptions& options, const std::string& program,
                async::TerminationSignals* signals) {
  auto up = Up::bind(runtime, options, program);
  if (!up) return fail(up.error());
  return async::run_blocking(runtime.loop(0), (*up)->run(signals));
}

int serve_cluster(async::Runtime& runtime, const UpOptions& options, const std::string& program,
                  async::TerminationSignals* signals) {
  if (options.policy == kPrecisePolicy) {
    return fail(invalid_argument(
        "the policy 'precise' needs engines whose events it follows: give --without-api, or write "
        "an EndpointPickerConfig with a precise-prefix-cache-scorer into a GatewayPolicy"));
  }
  if (auto policy = router::make_policy(options.policy); !policy) return fail(policy.error());
  auto cluster = LocalCluster::create(runtime, options, program);
  if (!cluster) return fail(cluster.error());
  return (*cluster)->run(signals);
}

std::string own_path(std::string_view program) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(program) : path.string();
}

}  // namespace

int up_command(const Args& args, std::string_view program) {
  UpOptions options;
  const auto separator = std::find(args.begin(), args.end(), "--");
  const Args own(args.begin(), separator);

  CLI::App app{
      "Makes a cluster of this machine: a Kubernetes API, controllers, nodes that run engines as "
      "processes, and a gateway. The first start serves a model; kubectl does the rest.",
      "nacelle up"};
  app.footer(
      "Everything after -- goes to the engines: nacelle up --engines 4 -- --max-model-len 2048");
  std::string file, model, data_dir;
  // The file is read first and flags are laid over it, so flags bind to a second set of values.
  UpOptions flags;
  app.add_option("-f,--file", file, "YAML file; flags win over it");
  app.add_option("MODEL_DIR", model, "model folder (default: the demo model)");
  auto* engines = app.add_option("--engines", flags.engines, "replicas of the model (default 2)")
                      ->check(CLI::Range(1, 64));
  auto* host = app.add_option("--host", flags.host, "address of the gateway (default 127.0.0.1)");
  auto* port = app.add_option("--port", flags.port, "port of the gateway (default 8080)");
  auto* admin = app.add_option("--admin-port", flags.admin_port,
                               "loopback port of /metrics and /endpoints (default 8081)");
  auto* policy = app.add_option(
      "--policy", flags.policy,
      fmt::format("one of {}, {} (default prefix-aware)", router::kPolicyNames, kPrecisePolicy));
  app.add_option("--data-dir", data_dir,
                 "folder of objects, volumes and logs (default ~/.local/state/nacelle)");
  auto* api_host = app.add_option("--api-host", flags.api_host,
                                  "address of the Kubernetes API (default 127.0.0.1)");
  auto* api_port =
      app.add_option("--api-port", flags.api_port, "port of the Kubernetes API (default 6443)");
  auto* nodes = app.add_option("--nodes", flags.nodes, "nodes to make of this machine (default 1)")
                    ->check(CLI::Range(1, 32));
  auto* devices =
      app.add_option("--devices", flags.devices,
                     "accelerators that each node counts as its own: RESOURCE=COUNT[:MEMORY], as "
                     "nvidia.com/gpu=1:80Gi; once for each kind");
  devices->allow_extra_args(false);  // a model folder may follow
  auto* leave = app.add_flag("--leave-pods", flags.leave_pods,
                             "end without ending engines; the next start takes them up");
  auto* without_api = app.add_flag(
      "--without-api", flags.without_api,
      "no cluster: a gateway and engines that live and die with this process, nothing is kept");
  auto* level =
      app.add_option("--log-level", flags.log_level, "debug, info, warn, error (default warn)");
  try {
    app.parse(std::vector<std::string>(own.rbegin(), own.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!file.empty()) {
    auto text = read_file(file, std::size_t{1} << 20);
    if (!text) return fail(text.error());
    if (const Status applied = apply_up_file(*text, options); !applied.ok())
      return fail(applied.with_context(file));
  }
  if (engines->count() > 0) options.engines = flags.engines;
  if (host->count() > 0) options.host = flags.host;
  if (port->count() > 0) options.port = flags.port;
  if (admin->count() > 0) options.admin_port = flags.admin_port;
  if (policy->count() > 0) options.policy = flags.policy;
  if (level->count() > 0) options.log_level = flags.log_level;
  if (api_host->count() > 0) options.api_host = flags.api_host;
  if (api_port->count() > 0) options.api_port = flags.api_port;
  if (nodes->count() > 0) options.nodes = flags.nodes;
  if (devices->count() > 0) options.devices = flags.devices;
  if (leave->count() > 0) options.leave_pods = true;
  if (without_api->count() > 0) options.without_api = true;
  if (!model.empty()) options.model = model;
  if (!data_dir.empty()) options.data_dir = data_dir;
  if (options.data_dir.empty()) options.data_dir = default_data_dir();
  if (options.engines < 1) return fail(invalid_argument("engines must be at least 1"));
  options.model_given = options.model_given || !model.empty() || engines->count() > 0 ||
                        policy->count() > 0 || separator != args.end();
  if (separator != args.end()) options.engine_args.assign(separator + 1, args.end());
  if (options.model.empty()) {
    auto demo = find_demo_model(std::filesystem::path(program));
    if (!demo) return fail(demo.error());
    options.model = *demo;
  }
  if (auto given = parse_devices(options.devices); !given) return fail(given.error());
  if (const Status found = check_model(options.model); !found.ok()) return fail(found);
  auto log_level = log::parse_level(options.log_level);
  if (!log_level) return fail(log_level.error());
  if (const Status configured = log::configure({*log_level}); !configured.ok())
    return fail(configured);

  async::Runtime runtime(std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2));
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  const int code = options.without_api
                       ? serve_alone(runtime, options, own_path(program), &signals)
                       : serve_cluster(runtime, options, own_path(program), &signals);
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
