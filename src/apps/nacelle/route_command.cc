#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "apps/nacelle/commands.h"
#include "base/file.h"
#include "router/config/config_node.h"
#include "router/record/replay.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::string record;
  std::string config;
  std::uint64_t explain = 0;
};

int fail(const Status& status) {
  fmt::print(stderr, "nacelle route replay: {}\n", status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

int run_replay(const Options& options) {
  router::ReplayOptions replay;
  if (!options.config.empty()) {
    auto text = read_file(options.config, router::kMaxConfigBytes);
    if (!text) return fail(text.error());
    replay.config_text = std::move(*text);
    replay.config_file = options.config;
  }
  if (options.explain > 0) replay.explain = options.explain;
  std::ifstream record(options.record, std::ios::binary);
  if (!record) {
    return fail(not_found("cannot read {}: {}", options.record, std::strerror(errno)));
  }
  auto report = router::replay(record, replay);
  if (!report) return fail(report.error().with_context(options.record));

  if (options.explain > 0) {
    if (report->explanation.empty()) {
      return fail(not_found("decision {} is not in {}, which has {}", options.explain,
                            options.record, report->decisions));
    }
    fmt::print("{}", report->explanation);
  }
  for (const router::ReplayDifference& difference : report->differences) {
    fmt::print("decision {} differs\n  recorded {}\n  replayed {}\n", difference.number,
               difference.recorded, difference.replayed);
  }
  fmt::print("{} decisions, {} differ", report->decisions, report->different);
  if (report->lost > 0) fmt::print(", {} were not recorded", report->lost);
  fmt::print("\n");
  return report->different > 0 ? 1 : 0;
}

}  // namespace

int route_command(const Args& args) {
  Options options;
  int code = 0;
  CLI::App app{"Looks at recorded picking decisions.", "nacelle route"};
  app.require_subcommand(1);
  CLI::App* replay = app.add_subcommand(
      "replay", "decides everything in a record again; exits 1 when an outcome differs");
  replay->add_option("FILE", options.record, "what `nacelle gateway --record FILE` wrote")
      ->required();
  replay->add_option("--config", options.config,
                     "EndpointPickerConfig to decide with (default: the recorded one)");
  replay->add_option("--explain", options.explain, "show how decision N came about")
      ->check(CLI::PositiveNumber);
  replay->callback([&] { code = run_replay(options); });
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return code;
}

}  // namespace nacelle::apps
