#include <thread>

#include <fmt/ranges.h>

#include "apps/nacelle/epp_flags.h"
#include "apps/nacelle/epp_server.h"
#include "async/signals.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

async::Task<int> run_until_signal(EppServer* process, async::TerminationSignals* signals,
                                  Duration timeout) {
  const int first = co_await signals->next();
  log::info("draining", {{"signal", first}, {"timeout_seconds", to_seconds(timeout)}});
  co_await process->drain(std::chrono::steady_clock::now() + timeout);
  co_return 0;
}

Status prepare(const CLI::App& app, EppFlags& flags) {
  RETURN_IF_ERROR(complete_epp_flags(app, process_environment(), flags));
  ASSIGN_OR_RETURN(const LogOptions log, epp_log_options(app, flags));
  RETURN_IF_ERROR(configure_log(log));
  if (!flags.without_effect.empty()) {
    log::info("accepted, without effect here",
              {{"names", fmt::format("{}", fmt::join(flags.without_effect, ", "))}});
  }
  return {};
}

}  // namespace

int epp_command(const Args& args) {
  EppFlags flags;
  CLI::App app{"An Endpoint Picker for Envoy and other proxies that speak ext_proc.",
               "nacelle epp"};
  add_epp_flags(app, flags);
  if (const auto code = parse_command_line(app, go_arguments(args))) return *code;
  if (const Status prepared = prepare(app, flags); !prepared.ok()) return fail(app, prepared);
  async::Runtime runtime(flags.loops > 0 ? flags.loops
                                         : std::max(1u, std::thread::hardware_concurrency()));
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  auto process = EppServer::start(runtime, flags.epp);
  if (!process) {
    runtime.stop();
    runtime.join();
    return fail(app, process.error());
  }
  log::info("endpoint picker listens", {{"grpc_port", (*process)->grpc_port()},
                                        {"health_port", (*process)->health_port()},
                                        {"metrics_port", (*process)->metrics_port()},
                                        {"tls", flags.epp.secure_serving}});
  const int code = async::run_blocking(
      runtime.loop(0), run_until_signal(process->get(), &signals, flags.drain_timeout));
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
