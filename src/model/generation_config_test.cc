#include "model/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GenerationConfig, ReadsTheSamplingDefaults) {
  const auto config = GenerationConfig::parse(
      R"({"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0, "repetition_penalty": 1.05,
          "max_new_tokens": 2048, "eos_token_id": [151645, 151643], "do_sample": true})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->temperature, 0.6);
  EXPECT_EQ(config->top_p, 0.95);
  EXPECT_EQ(config->top_k, 20);
  EXPECT_EQ(config->min_p, 0.0);
  EXPECT_EQ(config->repetition_penalty, 1.05);
  EXPECT_EQ(config->max_new_tokens, 2048);
  EXPECT_THAT(config->eos_token_ids, ElementsAre(151645, 151643));
}

TEST(GenerationConfig, AbsentAndNullValuesAreNotStated) {
  const auto config = GenerationConfig::parse(R"({"temperature": null})");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->temperature, std::nullopt);
  EXPECT_EQ(config->top_k, std::nullopt);
  EXPECT_TRUE(config->eos_token_ids.empty());
}

TEST(GenerationConfig, AFolderWithoutTheFileHasNoRecommendations) {
  const testing::TemporaryFolder folder;
  const auto config = GenerationConfig::load(folder.path());
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->temperature, std::nullopt);
}

TEST(GenerationConfig, BadValuesAreRefusedWithFileKeyAndLimit) {
  struct Case {
    const char* text;
    const char* message;
  };
  const std::vector<Case> cases = {
      {R"({"temperature": -0.1})", "temperature is -0.1, accepted: a number from 0"},
      {R"({"top_p": 0})", "top_p is 0"},
      {R"({"top_p": 1.5})", "top_p is 1.5"},
      {R"({"top_k": -2})", "top_k is -2, accepted: a whole number from -1"},
      {R"({"min_p": 2})", "min_p is 2"},
      {R"({"repetition_penalty": 0})", "repetition_penalty is 0"},
      {R"({"max_new_tokens": 0})", "max_new_tokens is 0"},
      {R"({"temperature": "hot"})", "temperature is \"hot\""},
      {R"({"eos_token_id": {}})", "eos_token_id is an object"},
      {R"({)", "not valid JSON"},
  };
  const testing::TemporaryFolder folder;
  for (const Case& c : cases) {
    folder.write("generation_config.json", c.text);
    const auto config = GenerationConfig::load(folder.path());
    ASSERT_FALSE(config.ok()) << c.text;
    EXPECT_EQ(config.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(config.error().message(), HasSubstr(c.message));
    EXPECT_THAT(config.error().message(), HasSubstr("generation_config.json"));
  }
}

}  // namespace
}  // namespace nacelle::model
