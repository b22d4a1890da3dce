#include "apps/nacelle/up.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>

#include "async/timer.h"
#include "control/local/free_ports.h"
#include "kernels/worker_pool.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

constexpr Duration kDrainTimeout = 10s;

std::filesystem::path log_file(const UpOptions& options, std::uint32_t index) {
  return options.data_dir / fmt::format("engine-{}.log", index);
}

}  // namespace

Result<std::unique_ptr<Up>> Up::bind(async::Runtime& runtime, UpOptions options,
                                     const std::string& program) {
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (error)
    return unavailable("cannot make the data folder {}: {}", options.data_dir.string(),
                       error.message());
  ASSIGN_OR_RETURN(const std::vector<std::uint16_t> ports,
                   control::free_loopback_ports(options.engines));

  gateway::GatewayConfig config;
  config.listen = {options.host, options.port};
  config.admin = {"127.0.0.1", options.admin_port};
  config.policy = options.policy;
  for (const std::uint16_t port : ports)
    config.endpoints.push_back(fmt::format("127.0.0.1:{}", port));

  std::unique_ptr<Up> up(new Up(runtime, std::move(options)));
  gateway::GatewayModel model = gateway::model_of(config);
  if (config.policy == kPrecisePolicy) {
    RETURN_IF_ERROR(up->plan_precise(config.endpoints));
    model.clusters.front().picker.plugins = config_text(*up->precise_);
  }
  ASSIGN_OR_RETURN(up->plane_, DataPlane::bind(runtime, std::move(model)));
  for (std::uint32_t i = 0; i < ports.size(); ++i) up->add_engine(program, i, ports[i]);
  return up;
}

// Sockets in the data folder: nobody else on the network hears what prompts are made of.
Status Up::plan_precise(const std::vector<std::string>& addresses) {
  constexpr std::size_t kMaxSocketPath = 100;  // the kernel takes 107 bytes
  if (gives_flag(options_.engine_args, "--kv-events-config"))
    return invalid_argument("the policy 'precise' sets --kv-events-config itself");
  PrecisePolicy policy;
  policy.model = options_.model;
  policy.chat_template = flag_value(options_.engine_args, "--chat-template");
  if (const std::string size = flag_value(options_.engine_args, "--block-size"); !size.empty()) {
    const auto [end, error] =
        std::from_chars(size.data(), size.data() + size.size(), policy.block_size_tokens);
    if (error != std::errc() || policy.block_size_tokens == 0)
      return invalid_argument("--block-size: '{}' is no number of tokens", size);
  }
  std::error_code error;
  const auto folder = std::filesystem::absolute(options_.data_dir, error);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::string path = (folder / fmt::format("kv-{}", i)).string();
    if (path.size() > kMaxSocketPath) {
      return invalid_argument("the path {} has {} bytes, a socket's may have {}: give --data-dir",
                              path, path.size(), kMaxSocketPath);
    }
    policy.engines.push_back({addresses[i], "ipc://" + path, "ipc://" + path + "r"});
  }
  precise_ = std::move(policy);
  return {};
}

void Up::add_engine(const std::string& program, std::uint32_t index, std::uint16_t port) {
  control::Supervisor::Config config;
  config.name = fmt::format("engine-{}", index);
  config.command.log_file = log_file(options_, index);
  std::vector<std::string>& argv = config.command.argv;
  argv = {program,
          "serve",
          options_.model.string(),
          "--host",
          "127.0.0.1",
          "--port",
          std::to_string(port),
          "--progress-fd",
          std::to_string(control::ChildProcess::kProgressFd)};
  if (!gives_flag(options_.engine_args, "--served-model-name")) {
    const std::filesystem::path folder = options_.model / "";
    argv.insert(argv.end(), {"--served-model-name", folder.parent_path().filename().string(),
                             options_.model.string()});
  }
  if (!gives_flag(options_.engine_args, "--threads")) {
    const auto threads =
        std::max<std::size_t>(1, kernels::threads_for_this_process() / options_.engines);
    argv.insert(argv.end(), {"--threads", std::to_string(threads)});
  }
  if (!gives_flag(options_.engine_args, "--gpu-memory-utilization")) {
    argv.insert(argv.end(),
                {"--gpu-memory-utilization", fmt::format("{:.3f}", 0.5 / options_.engines)});
  }
  if (!gives_flag(options_.engine_args, "--shutdown-timeout"))
    argv.insert(argv.end(), {"--shutdown-timeout", "10"});
  if (!gives_flag(options_.engine_args, "--enable-prompt-tokens-details"))
    argv.push_back("--enable-prompt-tokens-details");
  if (precise_) {
    const std::filesystem::path folder = options_.model / "";
    argv.insert(argv.end(),
                {"--kv-events-config", kv_events_flag(precise_->engines[index],
                                                      folder.parent_path().filename().string())});
  }
  argv.insert(argv.end(), options_.engine_args.begin(), options_.engine_args.end());
  config.on_exit = [log = config.command.log_file.string(), name = config.name](
                       const control::ExitReason& reason, Duration wait) {
    fmt::print(stderr, "{} ended with {}; starting it again in {:.1f} s. Its log: {}\n", name,
               reason.describe(), to_seconds(wait), log);
  };
  engines_.push_back(std::make_unique<control::Supervisor>(runtime_.loop(0), std::move(config)));
}

std::string Up::progress_line() const {
  std::string line = fmt::format("loading {}", options_.model.filename().string());
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    const double share = std::max(0.0, engines_[i]->progress());
    line += fmt::format("  engine-{} {:3.0f} %", i, share * 100);
  }
  return line;
}

async::Task<bool> Up::wait_until_serving(const bool* interrupted) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::string shown;
  while (!*interrupted) {
    // Every endpoint starts out as serving; one that has answered a scrape reports metrics.
    const auto pool = plane_->pool();
    const bool ready = std::any_of(pool->endpoints.begin(), pool->endpoints.end(),
                                   [](const auto& endpoint) { return endpoint.metrics.known; });
    std::string line = progress_line();
    if (terminal && line != shown) {
      fmt::print("\r{}", line);
      std::fflush(stdout);
    }
    shown = std::move(line);
    if (ready) {
      if (terminal) fmt::print("\r{:{}}\r", "", shown.size());
      co_return true;
    }
    co_await async::sleep_for(20ms);
  }
  co_return false;
}

void Up::print_address() const {
  const std::string base =
      fmt::format("http://{}:{}", reachable_host(options_.host), plane_->gateway().port());
  const std::filesystem::path folder = options_.model / "";
  fmt::print(R"(Nacelle serves {model} on {base} with {engines} engine{plural} ({policy}).

  curl -N {base}/v1/chat/completions -H 'Content-Type: application/json' \
    -d '{{"messages":[{{"role":"user","content":"Hello! What is Nacelle?"}}],"stream":true}}'

  pool  http://127.0.0.1:{admin}/endpoints    metrics  http://127.0.0.1:{admin}/metrics
  logs  {logs}
  Ctrl-C drains and stops.
)",
             fmt::arg("model", folder.parent_path().filename().string()), fmt::arg("base", base),
             fmt::arg("engines", engines_.size()),
             fmt::arg("plural", engines_.size() == 1 ? "" : "s"),
             fmt::arg("policy", options_.policy), fmt::arg("admin", plane_->gateway().admin_port()),
             fmt::arg("logs", options_.data_dir.string()));
  std::fflush(stdout);
}

async::Task<void> Up::watch_signals(async::TerminationSignals* signals, bool* interrupted,
                                    async::Event* first) {
  const int number = co_await signals->next();
  if (number == 0) co_return;
  *interrupted = true;
  first->set();
  if (const int second = co_await signals->next(); second != 0) {
    fmt::print(stderr, "stopping at once\n");
    std::_Exit(130);  // the engines die with this process
  }
}

async::Task<void> Up::stop() {
  fmt::print("draining, at most {:.0f} s; Ctrl-C again stops at once\n", to_seconds(kDrainTimeout));
  std::fflush(stdout);
  (void)co_await plane_->drain(std::chrono::steady_clock::now() + kDrainTimeout);
  for (auto& engine : engines_) co_await engine->stop(kDrainTimeout);
  fmt::print("stopped\n");
}

async::Task<int> Up::run(async::TerminationSignals* signals) {
  bool interrupted = false;
  async::Event first_signal(runtime_.loop(0));
  async::StopScope scope(runtime_.loop(0));
  scope.spawn(watch_signals(signals, &interrupted, &first_signal));
  for (auto& engine : engines_) engine->start();
  int code = 0;
  if (const bool serving = co_await wait_until_serving(&interrupted); serving) {
    const Status listening = plane_->listen();
    if (listening.ok()) {
      print_address();
      (void)co_await first_signal.wait();
    } else {
      fmt::print(stderr, "nacelle up: {}\n", listening.message());
      code = 1;
    }
  }
  co_await stop();
  signals->cancel();
  co_await scope.join();
  co_return code;
}

}  // namespace nacelle::apps
