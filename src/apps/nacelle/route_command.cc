#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "apps/nacelle/command_line.h"
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

constexpr const char* kReplay = "nacelle route replay";

int run_replay(const Options& options) {
  router::ReplayOptions replay;
  if (!options.config.empty()) {
    auto text = read_file(options.config, router::kMaxConfigBytes);
    if (!text) return fail(kReplay, text.error());
    replay.config_text = std::move(*text);
    replay.config_file = options.config;
  }
  if (options.explain > 0) replay.explain = options.explain;
  std::ifstream record(options.record, std::ios::binary);
  if (!record) {
    return fail(kReplay, not_found("cannot read {}: {}", options.record, std::strerror(errno)));
  }
  auto report = router::replay(record, replay);
  if (!report) return fail(kReplay, report.error().with_context(options.record));

  if (options.explain > 0) {
    if (report->explanation.empty()) {
      return fail(kReplay, not_found("decision {} is not in {}, which has {}", options.explain,
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
  if (const auto wrong = parse_command_line(app, args)) return *wrong;
  return run_replay(options);
}

}  // namespace nacelle::apps
