// The sidecar of a decode pod, as far as a plain forwarder is one: what comes to its port goes to
// the engine beside it, byte by byte, TLS too. No prefill engine is asked: the decode engine
// computes prompts itself.
#include <memory>

#include "apps/nacelle/command_line.h"
#include "apps/nacelle/epp_flags.h"
#include "async/runtime.h"
#include "async/signals.h"
#include "control/local/service_forwarder.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8000;
  std::uint16_t engine_port = 8001;
};

async::Task<Status> listen(control::ServiceForwarder* forwarder, Options options) {
  net::HostPort engine{options.host == "0.0.0.0" ? "127.0.0.1" : options.host, options.engine_port};
  auto endpoints = co_await net::resolve(engine, TimePoint::max());
  if (!endpoints.ok()) co_return endpoints.error();
  forwarder->set_endpoints(*std::move(endpoints));
  net::HostPort own{options.host, options.port};
  co_return forwarder->listen(own);
}

async::Task<void> run_until_signal(control::ServiceForwarder* forwarder,
                                   async::TerminationSignals* signals) {
  (void)co_await signals->next();
  co_await forwarder->stop();
}

async::Task<void> stop(control::ServiceForwarder* forwarder) { co_await forwarder->stop(); }

}  // namespace

int pd_sidecar_command(const Args& args) {
  Options options;
  LogOptions log;
  CLI::App app{
      "Forwards the port of a decode pod to its engine. Other flags of llm-d's sidecar are "
      "accepted and have no effect.",
      "nacelle pd-sidecar"};
  app.allow_extras();
  app.add_option("--host", options.host, "Address of the pod.");
  add_port_flag(app, "--port", options.port, "Where requests come.");
  add_port_flag(app, "--vllm-port", options.engine_port, "Where the engine listens.");
  if (const auto code = parse_command_line(app, go_arguments(args))) return *code;
  if (const Status ready = configure_log(log); !ready.ok()) return fail(app, ready);
  async::Runtime runtime(1);
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  auto forwarder = std::make_unique<control::ServiceForwarder>(runtime.loop(0));
  const Status status = async::run_blocking(runtime.loop(0), listen(forwarder.get(), options));
  if (status.ok()) {
    log::info("forwards to the decode engine; no prefill engine is asked",
              {{"port", options.port}, {"engine_port", options.engine_port}});
    async::run_blocking(runtime.loop(0), run_until_signal(forwarder.get(), &signals));
  } else {
    async::run_blocking(runtime.loop(0), stop(forwarder.get()));
  }
  forwarder.reset();
  runtime.stop();
  runtime.join();
  return status.ok() ? 0 : fail(app, status);
}

}  // namespace nacelle::apps
