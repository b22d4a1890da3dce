#include <CLI/CLI.hpp>

#include <filesystem>
#include <thread>

#include "apps/nacelle/commands.h"
#include "apps/nacelle/data_plane.h"
#include "async/signals.h"
#include "base/file.h"
#include "router/policy.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::string config;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string record;
  bool allow_experimental_plugins = false;
  std::size_t loops = 0;
  double shutdown_timeout_s = 30;
};

async::Task<int> run_until_signal(DataPlane* plane, async::TerminationSignals* signals,
                                  double timeout_s) {
  const int first = co_await signals->next();
  log::info("draining", {{"signal", first}, {"timeout_seconds", timeout_s}});
  const TimePoint deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout_s));
  const Status drained = co_await plane->drain(deadline);
  if (!drained.ok()) log::warn("not everything ended in time", {{"why", drained}});
  co_return 0;
}

Result<gateway::GatewayConfig> load_config(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, std::size_t{16} << 20));
  auto config = gateway::parse_gateway_config(text);
  if (!config) return config.error().with_context(path);
  if (!config->endpoint_picker_config.empty()) {
    config->endpoint_picker_config =
        (std::filesystem::path(path).parent_path() / config->endpoint_picker_config).string();
  }
  return config;
}

int fail(const Status& status) {
  fmt::print(stderr, "nacelle gateway: {}\n", status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

}  // namespace

int gateway_command(const Args& args) {
  Options options;
  CLI::App app{"The data plane: forwards OpenAI requests to the endpoint that the router picks.",
               "nacelle gateway"};
  app.add_option("--config", options.config, "YAML file; docs/gateway.md shows one")->required();
  app.add_option("--record", options.record,
                 "write every picking decision to this file, for `nacelle route replay`");
  app.add_flag("--allow-experimental-plugins", options.allow_experimental_plugins,
               "accept Alpha plugins in the endpointPickerConfig file");
  app.add_option("--loops", options.loops, "network threads (default: one per core)");
  app.add_option("--shutdown-timeout", options.shutdown_timeout_s,
                 "seconds that requests may finish after SIGTERM")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn, error, off")
      ->capture_default_str();
  app.add_option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto level = log::parse_level(options.log_level);
  if (!level) return fail(level.error());
  log::Config log_config;
  log_config.level = *level;
  log_config.format = options.log_format == "json" ? log::Format::kJson : log::Format::kText;
  if (const Status configured = log::configure(log_config); !configured.ok())
    return fail(configured);

  auto config = load_config(options.config);
  if (!config) return fail(config.error());
  const std::size_t loops =
      options.loops > 0 ? options.loops : std::max(1u, std::thread::hardware_concurrency());
  async::Runtime runtime(loops);
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  auto plane = DataPlane::bind(
      runtime, *config,
      {.record = options.record, .allow_experimental_plugins = options.allow_experimental_plugins});
  if (!plane) return fail(plane.error());
  (*plane)->watch_endpoints();
  if (const Status listening = (*plane)->listen(); !listening.ok()) return fail(listening);
  log::info("gateway listens", {{"port", (*plane)->gateway().port()},
                                {"admin_port", (*plane)->gateway().admin_port()},
                                {"endpoints", config->endpoints.size()},
                                {"policy", config->policy}});
  const int code = async::run_blocking(
      runtime.loop(0), run_until_signal(plane->get(), &signals, options.shutdown_timeout_s));
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
