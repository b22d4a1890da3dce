#include <algorithm>
#include <functional>
#include <type_traits>
#include <vector>

#include "apps/nacelle/command_line.h"
#include "apps/nacelle/commands.h"
#include "apps/nacelle/device_option.h"
#include "apps/nacelle/local_cluster.h"
#include "apps/nacelle/up.h"
#include "base/file.h"
#include "router/policy.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

constexpr const char* kName = "nacelle up";
constexpr const char* kAbout =
    "Makes a cluster of this machine: a Kubernetes API, controllers, nodes that run engines as "
    "processes, and a gateway. The first start serves a model; kubectl does the rest.";
constexpr const char* kFooter =
    "Everything after -- goes to the engines: nacelle up --engines 4 -- --max-model-len 2048";

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
  if (!up) return fail(kName, up.error());
  return async::run_blocking(runtime.loop(0), (*up)->run(signals));
}

int serve_cluster(async::Runtime& runtime, const UpOptions& options, const std::string& program,
                  async::TerminationSignals* signals) {
  if (options.policy == kPrecisePolicy) {
    return fail(kName,
                invalid_argument("the policy 'precise' needs engines whose events it follows: give "
                                 "--without-api, or write an EndpointPickerConfig with a "
                                 "precise-prefix-cache-scorer into a GatewayPolicy"));
  }
  if (auto policy = router::make_policy(options.policy); !policy) {
    return fail(kName, policy.error());
  }
  auto cluster = LocalCluster::create(runtime, options, program);
  if (!cluster) return fail(kName, cluster.error());
  return (*cluster)->run(signals);
}

std::string own_path(std::string_view program) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(program) : path.string();
}

// Flags bind to values of their own, which are laid over those of the file.
class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {
    app.footer(kFooter);
    app.add_option("-f,--file", file_, "YAML file; flags win over it");
    app.add_option("MODEL_DIR", model_, "model folder (default: the demo model)");
    add("--engines", &UpOptions::engines, "replicas of the model (default 2)")
        ->check(CLI::Range(1, 64));
    add("--host", &UpOptions::host, "address of the gateway (default 127.0.0.1)");
    add("--port", &UpOptions::port, "port of the gateway (default 8080)");
    add("--admin-port", &UpOptions::admin_port,
        "loopback port of /metrics and /endpoints (default 8081)");
    add("--policy", &UpOptions::policy,
        fmt::format("one of {}, {} (default prefix-aware)", router::kPolicyNames, kPrecisePolicy));
    app.add_option("--data-dir", data_dir_,
                   "folder of objects, volumes and logs (default ~/.local/state/nacelle)");
    add("--api-host", &UpOptions::api_host, "address of the Kubernetes API (default 127.0.0.1)");
    add("--api-port", &UpOptions::api_port, "port of the Kubernetes API (default 6443)");
    add("--nodes", &UpOptions::nodes, "nodes to make of this machine (default 1)")
        ->check(CLI::Range(1, 32));
    add("--devices", &UpOptions::devices,
        "accelerators that each node counts as its own: RESOURCE=COUNT[:MEMORY], as "
        "nvidia.com/gpu=1:80Gi; once for each kind")
        ->allow_extra_args(false);  // a model folder may follow
    add("--leave-pods", &UpOptions::leave_pods,
        "end without ending engines; the next start takes them up");
    add("--without-api", &UpOptions::without_api,
        "no cluster: a gateway and engines that live and die with this process, nothing is kept");
    add("--log-level", &UpOptions::log_level, "debug, info, warn, error (default warn)");
  }

  [[nodiscard]] Result<UpOptions> resolve() const {
    UpOptions options;
    if (!file_.empty()) {
      ASSIGN_OR_RETURN(const std::string text, read_file(file_, std::size_t{1} << 20));
      const Status applied = apply_up_file(text, options);
      if (!applied.ok()) return applied.with_context(file_);
    }
    for (const auto& lay_over : given_) lay_over(options);
    if (!model_.empty()) options.model = model_;
    if (!data_dir_.empty()) options.data_dir = data_dir_;
    if (options.data_dir.empty()) options.data_dir = default_data_dir();
    if (options.engines < 1) return invalid_argument("engines must be at least 1");
    options.model_given = options.model_given || !model_.empty() || app_.count("--engines") > 0 ||
                          app_.count("--policy") > 0;
    return options;
  }

 private:
  template <class T>
  CLI::Option* add(const std::string& name, T UpOptions::*member, const std::string& help) {
    CLI::Option* option = nullptr;
    if constexpr (std::is_same_v<T, bool>) {
      option = app_.add_flag(name, values_.*member, help);
    } else {
      option = app_.add_option(name, values_.*member, help);
    }
    given_.push_back([this, option, member](UpOptions& options) {
      if (option->count() > 0) options.*member = values_.*member;
    });
    return option;
  }

  CLI::App& app_;
  UpOptions values_;
  std::string file_, model_, data_dir_;
  std::vector<std::function<void(UpOptions&)>> given_;
};

// `engine_args`: what stood after --, which may be nothing.
Result<UpOptions> resolve(const Flags& flags, const std::optional<Args>& engine_args,
                          std::string_view program) {
  ASSIGN_OR_RETURN(UpOptions options, flags.resolve());
  if (engine_args) {
    options.engine_args = *engine_args;
    options.model_given = true;
  }
  if (options.model.empty()) {
    ASSIGN_OR_RETURN(options.model, find_demo_model(std::filesystem::path(program)));
  }
  RETURN_IF_ERROR(parse_devices(options.devices).status());
  RETURN_IF_ERROR(check_model(options.model));
  ASSIGN_OR_RETURN(const log::Level level, log::parse_level(options.log_level));
  RETURN_IF_ERROR(log::configure({level}));
  return options;
}

}  // namespace

int up_command(const Args& args, std::string_view program) {
  const auto separator = std::find(args.begin(), args.end(), "--");
  std::optional<Args> engine_args;
  if (separator != args.end()) engine_args.emplace(separator + 1, args.end());
  CLI::App app{kAbout, kName};
  Flags flags(app);
  if (const auto code = parse_command_line(app, Args(args.begin(), separator))) return *code;
  const auto options = resolve(flags, engine_args, program);
  if (!options) return fail(app, options.error());

  async::Runtime runtime(std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2));
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  const int code = options->without_api
                       ? serve_alone(runtime, *options, own_path(program), &signals)
                       : serve_cluster(runtime, *options, own_path(program), &signals);
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
