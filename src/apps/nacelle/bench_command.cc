#include <unistd.h>

#include "apps/nacelle/command_line.h"
#include "async/runtime.h"
#include "base/file.h"
#include "cli/bench/load_runner.h"
#include "cli/bench/report.h"
#include "cli/bench/token_words.h"
#include "cli/bench/workload.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::string target = "127.0.0.1:8080";
  std::string workload = "shared-prefix";
  std::string api = "completions";
  std::string arrival = "poisson";
  std::string tokenizer, json_file, svg_file, label;
  cli::LoadTarget load;
  cli::SharedPrefixSpec shared;
  std::uint32_t input_tokens = 1024;
  std::vector<std::uint32_t> concurrency;
  std::vector<double> rates;
  std::uint32_t requests = 0;
  double duration_s = 0, warmup_s = 0, timeout_s = 300;
  std::uint32_t warmup_requests = 0;
  std::uint64_t seed = 1;
};

void add_flags(CLI::App& app, Options& o) {
  app.add_option("target", o.target, "host:port of an OpenAI-compatible server")
      ->capture_default_str();
  app.add_option("--model", o.load.model, "model name (default: the field is left out)");
  app.add_option("--api-key", o.load.api_key, "sent as a bearer token");
  app.add_option("--api", o.api, "completions or chat")
      ->check(CLI::IsMember({"completions", "chat"}))
      ->capture_default_str();
  app.add_option("--workload", o.workload, "shared-prefix or random")
      ->check(CLI::IsMember({"shared-prefix", "random"}))
      ->capture_default_str();
  app.add_option("--groups", o.shared.groups, "shared-prefix: system prompts")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--prompts-per-group", o.shared.prompts_per_group,
                 "shared-prefix: questions per system prompt")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--system-tokens", o.shared.system_tokens,
                 "shared-prefix: length of a system prompt")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--question-tokens", o.shared.question_tokens,
                 "shared-prefix: length of a question")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--input-tokens", o.input_tokens, "random: length of a prompt")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--output-tokens", o.load.output_tokens, "tokens to generate")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("!--no-ignore-eos", o.load.ignore_eos, "let the model end earlier");
  app.add_option("--tokenizer", o.tokenizer,
                 "model folder: makes prompt lengths exact for this tokenizer");
  app.add_option("--concurrency", o.concurrency,
                 "closed loop: requests at a time; several make several stages")
      ->delimiter(',');
  app.add_option("--rate", o.rates, "open loop: requests per second; several make several stages")
      ->delimiter(',');
  app.add_option("--arrival", o.arrival, "open loop: poisson or constant")
      ->check(CLI::IsMember({"poisson", "constant"}))
      ->capture_default_str();
  app.add_option("--requests", o.requests, "requests per stage (default: every prompt once)");
  app.add_option("--duration", o.duration_s, "open loop: seconds per stage instead of --requests");
  app.add_option("--warmup-requests", o.warmup_requests,
                 "requests before the first stage, not counted");
  app.add_option("--timeout", o.timeout_s, "seconds per request")->capture_default_str();
  app.add_option("--seed", o.seed, "of prompts and arrivals")->capture_default_str();
  app.add_option("--label", o.label, "free text for the reports");
  app.add_option("--json", o.json_file,
                 "write the report as JSON; - = standard output instead of the table");
  app.add_option("--svg", o.svg_file, "write a plot");
}

int fail(const Status& status) {
  fmt::print(stderr, "nacelle bench: {}\n", status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

Result<std::vector<std::string>> make_prompts(const Options& o) {
  cli::Vocabulary words = cli::english_words();
  if (!o.tokenizer.empty()) {
    ASSIGN_OR_RETURN(const auto tokenizer, tokenizer::Tokenizer::load(o.tokenizer));
    ASSIGN_OR_RETURN(words, cli::single_token_words(*tokenizer));
  }
  if (o.workload == "random") {
    cli::RandomSpec spec;
    spec.input_tokens = o.input_tokens;
    if (o.requests > 0) spec.prompts = o.requests;
    return cli::make_random(spec, words, o.seed);
  }
  return cli::make_shared_prefix(o.shared, words, o.seed);
}

std::vector<cli::Stage> make_stages(const Options& o, std::size_t num_prompts) {
  std::vector<cli::Stage> stages;
  cli::Stage stage;
  stage.arrival = o.arrival == "poisson" ? cli::Arrival::kPoisson : cli::Arrival::kConstant;
  stage.requests = o.requests > 0 ? o.requests : static_cast<std::uint32_t>(num_prompts);
  for (const std::uint32_t concurrency : o.concurrency) {
    stage.concurrency = concurrency;
    stages.push_back(stage);
  }
  stage.concurrency = 0;
  if (o.duration_s > 0) {
    stage.requests = 0;
    stage.duration_s = o.duration_s;
  }
  for (const double rate : o.rates) {
    stage.rate = rate;
    stages.push_back(stage);
  }
  return stages;
}

cli::LoadRunner::Progress progress_to(int fd, const std::string* name) {
  if (::isatty(fd) != 1) return {};
  return [name, shown = TimePoint{}](std::size_t done, std::size_t total) mutable {
    const TimePoint now = std::chrono::steady_clock::now();
    if (now - shown < 100ms && done != total) return;
    shown = now;
    fmt::print(stderr, "\r{}: {} of {} requests{}", *name, done, total, done == total ? "\n" : "");
  };
}

async::Task<int> run_stages(async::Loop* loop, const Options* o, std::vector<std::string> prompts) {
  std::string name = "warm-up";
  const std::vector<cli::Stage> stages = make_stages(*o, prompts.size());
  cli::BenchReport report{o->target, o->workload, o->label, o->seed, {}};
  cli::LoadRunner runner(*loop, o->load, std::move(prompts), progress_to(STDERR_FILENO, &name));
  if (o->warmup_requests > 0) {
    cli::Stage warmup;
    warmup.concurrency = stages[0].concurrency > 0 ? stages[0].concurrency : 8;
    warmup.requests = o->warmup_requests;
    (void)co_await runner.run(warmup, o->seed);
  }
  bool all_failed = true;
  for (const cli::Stage& stage : stages) {
    name = stage.name();
    const auto measurements = co_await runner.run(stage, o->seed);
    report.stages.push_back(cli::summarise(name, measurements));
    all_failed = all_failed && report.stages.back().errors == report.stages.back().requests;
  }
  const std::string json = cli::to_json(report);
  if (o->json_file == "-") {
    fmt::print("{}", json);
  } else {
    fmt::print("{}", cli::to_table(report));
    if (!o->json_file.empty()) {
      if (const Status written = write_file_atomically(o->json_file, json); !written.ok())
        co_return fail(written);
    }
  }
  if (!o->svg_file.empty()) {
    if (const Status written = write_file_atomically(o->svg_file, cli::to_svg(report));
        !written.ok()) {
      co_return fail(written);
    }
  }
  if (all_failed) fmt::print(stderr, "nacelle bench: every request failed\n");
  co_return all_failed ? 1 : 0;
}

}  // namespace

int bench_command(const Args& args) {
  if (!args.empty() && args[0] == "kernels") {
    return bench_kernels_command(Args(args.begin() + 1, args.end()));
  }
  Options options;
  CLI::App app{
      "Sends a load to an OpenAI-compatible server and measures what comes back.\n"
      "`nacelle bench kernels --help`: kernels and models against this machine's limits.",
      "nacelle bench"};
  add_flags(app, options);
  if (const auto code = parse_command_line(app, args)) return *code;
  if (options.concurrency.empty() && options.rates.empty()) options.concurrency = {8};
  for (const std::uint32_t concurrency : options.concurrency) {
    if (concurrency < 1 || concurrency > 100000)
      return fail(invalid_argument("--concurrency must be 1 to 100000, got {}", concurrency));
  }
  for (const double rate : options.rates) {
    if (!(rate > 0 && rate <= 1e6))
      return fail(invalid_argument("--rate must be above 0 and at most 1e6, got {}", rate));
  }
  auto address = net::parse_host_port(options.target);
  if (!address) return fail(address.error());
  options.load.address = *address;
  options.load.api = options.api == "chat" ? cli::LoadApi::kChat : cli::LoadApi::kCompletions;
  options.load.timeout =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.timeout_s));
  auto prompts = make_prompts(options);
  if (!prompts) return fail(prompts.error());
  (void)log::configure({log::Level::kWarn});

  async::Runtime runtime(1);
  runtime.start();
  const int code = async::run_blocking(runtime.loop(0),
                                       run_stages(&runtime.loop(0), &options, std::move(*prompts)));
  runtime.stop();
  runtime.join();
  return code;
}

}  // namespace nacelle::apps
