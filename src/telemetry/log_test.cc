#include "telemetry/log.h"

#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/id.h"

namespace nacelle::telemetry::log {
namespace {

TEST(Log, WritesKeysAsTextAndJson) {
  struct Row {
    const char* name;
    Value value;
    const char* text;
    const char* json;
  };
  const Row rows[] = {
      {"integer", 7, "m k=7", R"("msg":"m","k":7)"},
      {"unsigned", std::uint64_t{18446744073709551615u}, "m k=18446744073709551615",
       R"("msg":"m","k":18446744073709551615)"},
      {"fraction", 0.5, "m k=0.5", R"("msg":"m","k":0.5)"},
      {"boolean", true, "m k=true", R"("msg":"m","k":true)"},
      {"word", "abc", "m k=abc", R"("msg":"m","k":"abc")"},
      {"spaces are quoted", "a b", "m k=\"a b\"", R"("msg":"m","k":"a b")"},
      {"no line breaks leave", "a\nINFO forged", "m k=\"a\\nINFO forged\"",
       R"("msg":"m","k":"a\nINFO forged")"},
      {"empty", "", "m k=\"\"", R"("msg":"m","k":"")"},
      {"status", not_found("no x"), "m k=\"not_found: no x\"",
       R"("msg":"m","k":"not_found: no x")"},
      {"id", Id<struct Tag>{9}, "m k=9", R"("msg":"m","k":9)"},
      {"invalid UTF-8", "\xff", "m k=\xEF\xBF\xBD", "\"msg\":\"m\",\"k\":\"\xEF\xBF\xBD\""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(format_fields(Format::kText, "m", {{"k", row.value}}), row.text);
    EXPECT_EQ(format_fields(Format::kJson, "m", {{"k", row.value}}), row.json);
  }
}

TEST(Log, SecretsAreRedacted) {
  for (const char* key : {"authorization", "Authorization", "api_key", "x-api-key", "hf_token",
                          "password", "token", "Set-Cookie", "aws_secret_access_key"}) {
    EXPECT_EQ(format_fields(Format::kText, "m", {{key, "s3cret"}}),
              std::string("m ") + key + "=[redacted]");
  }
  EXPECT_EQ(format_fields(Format::kText, "m", {{"tokens", 5}, {"max_tokens", 6}}),
            "m tokens=5 max_tokens=6");
}

TEST(Log, WritesWholeLinesAboveTheLevelToTheFile) {
  const auto path =
      std::filesystem::temp_directory_path() / ("nacelle_log_test_" + std::to_string(::getpid()));
  Config config;
  config.file = path.string();
  config.level = Level::kWarn;
  config.format = Format::kJson;
  ASSERT_TRUE(configure(config).ok());
  info("not this");
  warn("this", {{"n", 1}});
  EXPECT_FALSE(enabled(Level::kInfo));
  ASSERT_TRUE(configure(Config{}).ok());
  const auto text = read_file(path);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text,
              ::testing::MatchesRegex(R"(\{"ts":"[0-9T:.-]+Z","level":"warn","msg":"this","n":1\})"
                                      "\n"));
  std::filesystem::remove(path);
}

TEST(Log, AFileThatCannotBeOpenedIsAStatus) {
  Config config;
  config.file = "/proc/no-such-folder/log";
  EXPECT_FALSE(configure(config).ok());
}

TEST(Log, ParsesLevels) {
  EXPECT_EQ(*parse_level("WARNING"), Level::kWarn);
  EXPECT_EQ(*parse_level("debug"), Level::kDebug);
  EXPECT_EQ(parse_level("loud").error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::telemetry::log
