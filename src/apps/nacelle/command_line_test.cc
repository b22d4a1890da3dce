#include "apps/nacelle/command_line.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

struct Told {
  std::optional<int> code;
  std::string text;
};

// A command with one flag of each kind and a sub-command.
Told read(const Args& args) {
  CLI::App app{"about", "nacelle test"};
  std::size_t loops = 0;
  double seconds = 1;
  std::uint16_t port = 1;
  std::string file;
  LogOptions log;
  add_loops_flag(app, loops);
  add_seconds_flag(app, "--drain-timeout", seconds, "seconds");
  add_port_flag(app, "--grpc-port", port, "port");
  add_log_flags(app, log);
  app.add_option("--plain", loops, "a number without bounds");
  CLI::App* sub = app.add_subcommand("replay", "again");
  sub->add_option("FILE", file)->required();
  sub->add_option("--explain", loops);
  Told told;
  ::testing::internal::CaptureStderr();
  told.code = parse_command_line(app, args);
  told.text = ::testing::internal::GetCapturedStderr();
  return told;
}

TEST(CommandLine, SaysWhatWasWrittenAndWhatIsAllowed) {
  struct Row {
    const char* says;
    Args args;
    const char* told;
  };
  const std::vector<Row> rows = {
      {"a flag with a letter missing",
       {"--lops", "2"},
       "nacelle test: unknown argument '--lops' (did you mean '--loops'?)\n"},
      {"with its value", {"--log-levle=info"}, "(did you mean '--log-level'?)"},
      {"a word", {"rplay"}, "unknown argument 'rplay' (did you mean 'replay'?)"},
      {"an unknown flag beside a wrong value",
       {"--loops", "0", "--grpcport", "1"},
       "unknown argument '--grpcport' (did you mean '--grpc-port'?)"},
      {"of a sub-command that lacks its file",
       {"replay", "--explan", "3"},
       "unknown argument '--explan' (did you mean '--explain'?)"},
      {"nothing near", {"--xyzzy"}, "unknown argument '--xyzzy'\n"},
      {"out of range", {"--loops", "0"}, "--loops: Value 0 not in range 1 to 256"},
      {"below zero", {"--drain-timeout", "-5"}, "--drain-timeout: Value -5 not in range 0"},
      {"a port that is none", {"--grpc-port", "65536"}, "Value 65536 not in range 0 to 65535"},
      {"one of several", {"--log-format", "xml"}, "--log-format: xml not in {text,json}"},
      {"no number", {"--plain", "two"}, "--plain: 'two' is not a whole number"},
      {"no value", {"--loops"}, "--loops"},
      {"the file is missing", {"replay"}, "FILE is required"},
  };
  for (const Row& row : rows) {
    const Told told = read(row.args);
    EXPECT_EQ(told.code, 2) << row.says;
    EXPECT_NE(told.text.find(row.told), std::string::npos) << row.says << ": " << told.text;
    EXPECT_NE(told.text.find("`nacelle test --help`"), std::string::npos) << row.says;
  }
  EXPECT_EQ(read({"--loops", "2", "replay", "x"}).code, std::nullopt);
}

TEST(CommandLine, NamesTheLevelsOfTheLog) {
  const Status wrong = configure_log({.level = "loud", .format = "text"});
  EXPECT_EQ(wrong.code(), Code::kInvalidArgument);
  EXPECT_NE(wrong.message().find("loud is not one of debug, info"), std::string_view::npos);
}

}  // namespace
}  // namespace nacelle::apps
