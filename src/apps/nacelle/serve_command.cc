// `nacelle serve`: one engine and its OpenAI server.
//
// The port is taken first, so that a clash fails at once; clients are refused until the model
// answers.

#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "apps/nacelle/commands.h"
#include "apps/nacelle/serve_options.h"
#include "apps/nacelle/serve_process.h"
#include "apps/nacelle/version.h"
#include "async/signals.h"
#include "cli/flags/flag_parser.h"
#include "cli/vllm_flags.h"

namespace nacelle::apps {
namespace {

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int fail(const Status& status) {
  fmt::print(stderr, "nacelle serve: {}\n", status.message());
  return 1;
}

int usage_error(const Status& status) {
  fmt::print(stderr, "nacelle serve: {}\n", status.message());
  return 2;
}

std::optional<std::string> help_filter(const Args& args) {
  for (const std::string& arg : args) {
    if (arg == "--help" || arg == "-h") return "";
    if (arg.starts_with("--help=")) return arg.substr(7);
  }
  return std::nullopt;
}

void print_help(const std::string& filter) {
  fmt::print(
      "nacelle serve MODEL_DIR [flags]: an engine with an OpenAI-compatible server (vLLM's "
      "flags).\n{}",
      cli::FlagParser(cli::vllm_serve_flags()).help(filter));
  if (filter.empty()) {
    fmt::print(
        "\n--help=all also lists the flags that are accepted without effect; --help=WORD "
        "searches.\n");
  }
}

async::Task<int> wait_and_drain(ServeProcess* process, async::TerminationSignals* signals) {
  const int number = co_await signals->next();
  co_return co_await process->drain(number, signals);
}

}  // namespace

int serve_command(const Args& args) {
  if (const auto filter = help_filter(args)) {
    print_help(*filter);
    return 0;
  }
  auto flags = cli::FlagParser(cli::vllm_serve_flags()).parse(args);
  if (!flags) return usage_error(flags.error());
  auto options = resolve_serve_options(*flags, environment);
  if (!options) return usage_error(options.error());
  log::Config log_config;
  log_config.level = options->log_level;
  if (const Status configured = log::configure(log_config); !configured.ok())
    return fail(configured);
  log::info(fmt::format("vLLM server version {}, serving model {}", kVllmVersion,
                        options->model.string()),
            {{"nacelle", kVersion}});
  for (const std::string& warning : options->warnings) log::warn(warning);
  if (!options->without_effect.empty()) {
    log::info("flags accepted without effect here",
              {{"flags", fmt::format("{}", fmt::join(options->without_effect, " "))}});
  }

  async::Runtime runtime(1);
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  int code = 1;
  {
    auto process = ServeProcess::start(runtime, std::move(*options));
    if (!process) {
      fail(process.error());
      code = process.error().code() == Code::kInvalidArgument ? 2 : 1;
    } else {
      code = async::run_blocking(runtime.loop(0), wait_and_drain(process->get(), &signals));
    }
    runtime.stop();
    runtime.join();
  }
  return code;
}

}  // namespace nacelle::apps
