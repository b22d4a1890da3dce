#include "apps/nacelle/speculative_options.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

Result<engine::SpeculativeOptions> read(const char* json, std::vector<std::string>* warnings = {}) {
  std::vector<std::string> unused;
  return read_speculative_config(nlohmann::json::parse(json),
                                 warnings == nullptr ? unused : *warnings);
}

TEST(SpeculativeOptions, LookupLengthsStandInForEachOther) {
  const struct {
    const char* json;
    std::uint32_t count, shortest, longest;
  } rows[] = {
      {R"({"method":"ngram","num_speculative_tokens":4})", 4, 5, 5},
      {R"({"method":"ngram","num_speculative_tokens":1,"prompt_lookup_min":2})", 1, 2, 2},
      {R"({"method":"ngram","num_speculative_tokens":128,"prompt_lookup_max":3})", 128, 3, 3},
      {R"({"model":"[ngram]","num_speculative_tokens":3,"prompt_lookup_min":2,
           "prompt_lookup_max":4})",
       3, 2, 4},
  };
  for (const auto& row : rows) {
    const auto options = read(row.json);
    ASSERT_TRUE(options.ok()) << row.json << options.error().to_string();
    EXPECT_EQ(options->num_speculative_tokens, row.count);
    EXPECT_EQ(options->prompt_lookup_min, row.shortest);
    EXPECT_EQ(options->prompt_lookup_max, row.longest);
  }
}

TEST(SpeculativeOptions, RefusesWithTheValueAndWhatIsAccepted) {
  const struct {
    const char* json;
    const char* message;
  } rows[] = {
      {"[]", "expects a JSON object"},
      {R"({"method":"eagle","num_speculative_tokens":4})",
       "method 'eagle' is not supported; this engine has 'ngram'"},
      {R"({"model":"meta/draft","num_speculative_tokens":4})",
       "draft models such as 'meta/draft' are not supported"},
      {R"({"method":7,"num_speculative_tokens":4})", "method '7' is not supported"},
      {R"({"method":"ngram"})", "num_speculative_tokens is needed, 1 to 128"},
      {R"({"method":"ngram","num_speculative_tokens":129})", "must be 1 to 128, got 129"},
      {R"({"method":"ngram","num_speculative_tokens":0})", "must be 1 to 128, got 0"},
      {R"({"method":"ngram","num_speculative_tokens":"4"})", "must be 1 to 128, got \"4\""},
      {R"({"method":"ngram","num_speculative_tokens":18446744073709551615})", "must be 1 to 128"},
      {R"({"method":"ngram","num_speculative_tokens":4,"prompt_lookup_min":0})", "must be 1 to"},
      {R"({"method":"ngram","num_speculative_tokens":4,"prompt_lookup_min":5,
           "prompt_lookup_max":2})",
       "prompt_lookup_min (5) must not exceed prompt_lookup_max (2)"},
      {R"({"method":"ngram","num_speculative_tokens":4,"prompt_lookup":2})",
       "'prompt_lookup': 2 is not supported"},
  };
  for (const auto& row : rows) {
    const auto options = read(row.json);
    ASSERT_FALSE(options.ok()) << row.json;
    EXPECT_EQ(options.error().code(), Code::kInvalidArgument);
    EXPECT_NE(options.error().message().find(row.message), std::string::npos)
        << options.error().message();
  }
}

TEST(SpeculativeOptions, KeysOfOtherMethodsAreNamed) {
  std::vector<std::string> warnings;
  ASSERT_TRUE(
      read(R"({"method":"ngram","num_speculative_tokens":4,"max_model_len":100})", &warnings).ok());
  EXPECT_EQ(warnings,
            std::vector<std::string>{"--speculative-config: max_model_len has no effect here"});
}

}  // namespace
}  // namespace nacelle::apps
