#include <optional>
#include <thread>

#include "apps/nacelle/command_line.h"
#include "apps/nacelle/config_watcher.h"
#include "apps/nacelle/data_plane.h"
#include "apps/nacelle/otel_environment.h"
#include "apps/nacelle/pool_setup.h"
#include "async/signals.h"
#include "async/timer.h"
#include "gateway/ai/ai_plane.h"
#include "gateway/ai/config/ai_part.h"
#include "gateway/config/load.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::vector<std::string> config;
  LogOptions log;
  std::string record;
  bool allow_experimental_plugins = false;
  std::size_t loops = 0;
  double shutdown_timeout_s = 60;
  double drain_delay_s = 0;
  bool watch = true;
  bool check = false;
};

async::Task<int> run_until_signal(DataPlane* plane, async::TerminationSignals* signals,
                                  const Options* options) {
  const int first = co_await signals->next();
  plane->gateway().begin_drain();
  log::info("draining", {{"signal", first},
                         {"delay_seconds", options->drain_delay_s},
                         {"timeout_seconds", options->shutdown_timeout_s}});
  // Load balancers need a moment to see that we are not ready; all is served meanwhile.
  co_await async::sleep_for(seconds_of(options->drain_delay_s));
  const TimePoint deadline =
      std::chrono::steady_clock::now() + seconds_of(options->shutdown_timeout_s);
  const Status drained = co_await plane->drain(deadline);
  if (!drained.ok()) log::warn("not everything ended in time", {{"why", drained}});
  co_return 0;
}

struct Loaded {
  gateway::GatewayModel model;
  std::shared_ptr<const gateway::ai::AiConfig> ai;  // null: there are no such objects
};

Result<Loaded> load_config(const std::vector<std::string>& paths) {
  const Environment environment = process_environment();
  gateway::ai::AiPart part(
      [&environment](const std::string& name) { return environment(name.c_str()); });
  Loaded loaded;
  ASSIGN_OR_RETURN(loaded.model, gateway::load_model(paths, &part));
  RETURN_IF_ERROR(apply_otel_environment(environment, loaded.model.settings.tracing));
  loaded.ai = part.config();
  return loaded;
}

void reload(DataPlane& plane, gateway::ai::AiPlane& ai, const std::vector<std::string>& paths,
            ConfigWatcher::Reason reason) {
  if (reason == ConfigWatcher::Reason::kHangup) plane.gateway().reopen_logs();
  auto loaded = load_config(paths);
  Status status = loaded ? Status() : loaded.error();
  if (loaded) {
    auto extension = ai.prepare(std::move(loaded->ai));
    if (extension) loaded->model.extension = std::move(*extension);
    if (!extension) status = extension.error();
  }
  if (status.ok()) {
    status = plane.gateway().apply(std::move(loaded->model));
    if (status.ok()) ai.commit();
  } else {
    plane.gateway().refuse(status);
  }
  if (status.ok()) {
    const auto current = plane.gateway().snapshot();
    log::info("configuration in force", {{"generation", current ? current->generation : 0}});
  } else {
    log::error("configuration refused; the one before stays in force", {{"why", status}});
  }
}

int print_sizes(const gateway::GatewayModel& model) {
  fmt::print("{} rules on {} ports, {} clusters\n", model.rules.size(), model.ports.size(),
             model.clusters.size());
  return 0;
}

void add_flags(CLI::App& app, Options& options) {
  // Not required(): a flag that is written wrong is to be named first.
  app.add_option("--config", options.config,
                 "YAML files and folders; docs/gateway.md shows them (required)");
  app.add_flag("--check", options.check,
               "read the configuration, say all that is wrong, and end; opens no port");
  app.add_flag_callback(
      "--no-watch", [&options] { options.watch = false; }, "read the files again on SIGHUP only");
  app.add_option("--record", options.record,
                 "write every picking decision to this file, for `nacelle route replay`");
  app.add_flag("--allow-experimental-plugins", options.allow_experimental_plugins,
               "accept Alpha plugins in an EndpointPickerConfig");
  add_seconds_flag(app, "--drain-delay", options.drain_delay_s,
                   "seconds between not being ready and closing the ports");
  add_seconds_flag(app, "--shutdown-timeout", options.shutdown_timeout_s,
                   "seconds that requests may finish after SIGTERM");
  add_loops_flag(app, options.loops);
  add_log_flags(app, options.log);
  app.footer(
      "SIGHUP reads the files again and opens the access log anew; SIGTERM and SIGINT drain.\n"
      "Traces: OTEL_EXPORTER_OTLP_ENDPOINT and its relatives are read from the environment.");
}

}  // namespace

int gateway_command(const Args& args) {
  Options options;
  CLI::App app{"The data plane: forwards OpenAI requests to the endpoint that the router picks.",
               "nacelle gateway"};
  add_flags(app, options);
  if (const auto code = parse_command_line(app, args)) return *code;
  if (options.config.empty()) return fail(app, invalid_argument("--config FILE is required"));
  if (const Status configured = configure_log(options.log); !configured.ok())
    return fail(app, configured);

  auto loaded = load_config(options.config);
  if (!loaded) return fail(app, loaded.error());
  if (options.check) {
    const Status fine = check_model(loaded->model, options.allow_experimental_plugins);
    return fine.ok() ? print_sizes(loaded->model) : fail(app, fine);
  }
  ConfigWatcher::block_hangup();
  const std::size_t loops =
      options.loops > 0 ? options.loops : std::max(1u, std::thread::hardware_concurrency());
  async::Runtime runtime(loops);
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  DataPlane::Options plane_options;
  plane_options.allow_experimental_plugins = options.allow_experimental_plugins;
  plane_options.gateway.retire_timeout = seconds_of(options.shutdown_timeout_s);
  plane_options.record = options.record;
  gateway::ai::AiPlane ai(runtime);
  plane_options.gateway.admin = ai.admin();
  auto extension = ai.prepare(std::move(loaded->ai));
  if (!extension) return fail(app, extension.error());
  loaded->model.extension = std::move(*extension);
  auto plane = DataPlane::bind(runtime, std::move(loaded->model), plane_options);
  if (!plane) return fail(app, plane.error());
  ai.commit();
  ai.add_collector((*plane)->gateway().metrics());
  if (const Status listening = (*plane)->listen(); !listening.ok()) return fail(app, listening);
  log::info("gateway listens", {{"port", (*plane)->gateway().port()},
                                {"admin_port", (*plane)->gateway().admin_port()},
                                {"rules", (*plane)->gateway().snapshot()->rules.size()}});
  // Without watching it still waits for SIGHUP.
  std::optional<ConfigWatcher> watcher;
  watcher.emplace(
      options.watch ? options.config : std::vector<std::string>(), 500ms,
      [&](ConfigWatcher::Reason reason) { reload(**plane, ai, options.config, reason); });
  const int code =
      async::run_blocking(runtime.loop(0), run_until_signal(plane->get(), &signals, &options));
  watcher.reset();
  ai.stop();
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
