#include "cli/flags/flag_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "base/file.h"

namespace nacelle::cli {
namespace {

constexpr std::array<FlagSpec, 8> kFlags{{
    {"max-model-len", "", FlagKind::kHumanInt, FlagEffect::kWorks, "Model", "", "longest sequence"},
    {"max-num-seqs", "", FlagKind::kInt, FlagEffect::kWorks, "Model", "128", ""},
    {"served-model-name", "", FlagKind::kList, FlagEffect::kWorks, "Model", "", ""},
    {"tensor-parallel-size", "tp", FlagKind::kInt, FlagEffect::kAccepted, "Parallel", "1", ""},
    {"enforce-eager", "", FlagKind::kBool, FlagEffect::kAccepted, "Model", "false", ""},
    {"kv-transfer-config", "", FlagKind::kJson, FlagEffect::kAccepted, "KV", "", ""},
    {"optimization-level", "O", FlagKind::kInt, FlagEffect::kAccepted, "Model", "", ""},
    {"config", "", FlagKind::kString, FlagEffect::kWorks, "Model", "", ""},
}};

Result<FlagValues> parse(std::vector<std::string> args) { return FlagParser(kFlags).parse(args); }

TEST(FlagParser, ReadsTheFormsPeopleWrite) {
  auto values = parse({"models/demo", "--max_model_len", "32k", "-tp", "2", "--served-model-name",
                       "a", "b", "--enforce-eager", "-O3", "--max-num-seqs=7"});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(values->positional, std::vector<std::string>{"models/demo"});
  EXPECT_EQ(values->integer("max-model-len", 0), 32000);
  EXPECT_EQ(values->integer("tensor-parallel-size", 1), 2);
  EXPECT_EQ(values->list("served-model-name"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(values->flag("enforce-eager", false));
  EXPECT_EQ(values->integer("optimization-level", 0), 3);
  EXPECT_EQ(values->integer("max-num-seqs", 0), 7);
}

TEST(FlagParser, NegatesSwitchesAndCompletesPrefixes) {
  auto values = parse({"--no-enforce-eager", "--max-mod", "-1"});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_FALSE(values->flag("enforce-eager", true));
  EXPECT_EQ(values->integer("max-model-len", 0), -1);
}

TEST(FlagParser, MergesDottedJson) {
  auto values = parse({"--kv-transfer-config", R"({"a":1})", "--kv-transfer-config.b.c", "2k",
                       "--kv-transfer-config.l+=x,3", "--kv-transfer-config.s", "text"});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(values->json("kv-transfer-config").dump(),
            R"({"a":1,"b":{"c":2000},"l":["x",3],"s":"text"})");
}

TEST(FlagParser, RefusesWithTheReason) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--max-modle-len", "4"}, "unknown flag --max-modle-len; did you mean --max-model-len?"},
      {{"--max-num-seqs", "many"}, "--max-num-seqs: 'many' is not an integer"},
      {{"--max-num-seqs"}, "--max-num-seqs needs a value"},
      {{"--enforce-eager=1"},
       "--enforce-eager takes no value; use --enforce-eager or --no-enforce-eager"},
      {{"--kv-transfer-config", "{"}, "--kv-transfer-config: '{' is not JSON"},
      {{"-zz"}, "unknown flag -zz; see --help=all"},
  };
  for (const auto& [args, message] : cases) {
    auto values = parse(args);
    ASSERT_FALSE(values) << args[0];
    EXPECT_EQ(values.error().message(), message);
  }
  auto ambiguous = parse({"--max", "4"});
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().message(),
            "--max is ambiguous; it could be --max-model-len --max-num-seqs");
}

TEST(FlagParser, WarnsOnDuplicatesAndTakesTheLast) {
  auto values = parse({"--max-num-seqs", "1", "--max-num-seqs", "2"});
  ASSERT_TRUE(values);
  EXPECT_EQ(values->integer("max-num-seqs", 0), 2);
  EXPECT_EQ(values->warnings.size(), 1u);
}

TEST(FlagParser, CommandLineWinsOverTheConfigFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "flags.yaml";
  ASSERT_TRUE(write_file_atomically(path,
                                    "model: folder\nmax-num-seqs: 5\nmax_model_len: 1K\n"
                                    "enforce-eager: true\nserved-model-name: [x, y]\n")
                  .ok());
  auto values = parse({"--config", path.string(), "--max-num-seqs", "9"});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(values->integer("max-num-seqs", 0), 9);
  EXPECT_EQ(values->integer("max-model-len", 0), 1024);
  EXPECT_TRUE(values->flag("enforce-eager", false));
  EXPECT_EQ(values->list("served-model-name").size(), 2u);
  EXPECT_EQ(values->positional.at(0), "folder");
  EXPECT_FALSE(parse({"--config", "/nowhere.yaml"}));
}

}  // namespace
}  // namespace nacelle::cli
