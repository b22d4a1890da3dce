#include "serve/prompt/length_rules.h"

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

using openai::SamplingFields;

TEST(LengthRules, WhatFitsAndWhatDoesNot) {
  EXPECT_FALSE(check_lengths(99, {}, 100));
  EXPECT_FALSE(check_lengths(84, {.max_tokens = 16}, 100));
  const auto both = check_lengths(85, {.max_tokens = 16}, 100);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->status, 400);
  EXPECT_EQ(both->type, "BadRequestError");
  EXPECT_EQ(both->param, "input_tokens");
  EXPECT_EQ(both->message,
            "This model's maximum context length is 100 tokens. However, you requested 16 output "
            "tokens and your prompt contains 85 input tokens, for a total of 101 tokens. Please "
            "reduce the length of the input prompt or the number of requested output tokens. "
            "(parameter=input_tokens, value=85)");
  EXPECT_TRUE(check_lengths(100, {}, 100));  // no room for a token out
  EXPECT_EQ(check_lengths(0, {}, 100)->message, "The decoder prompt cannot be empty");
}

TEST(LengthRules, TheCharacterBoundSaysAtLeast) {
  const auto error = prompt_too_long_by_text(500, {}, 100);
  EXPECT_EQ(error.param, "input_text");
  EXPECT_NE(error.message.find("contains at least 500 input tokens, for a total of at least 500"),
            std::string::npos);
}

TEST(LengthRules, OutputBeyondTheContext) {
  const auto error =
      check_requested_lengths({.max_tokens = 101, .max_tokens_name = "max_completion_tokens"}, 100);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->param, "max_completion_tokens");
  EXPECT_EQ(error->message,
            "max_completion_tokens=101 cannot be greater than max_model_len=100. Please request "
            "fewer output tokens. (parameter=max_completion_tokens, value=101)");
  EXPECT_EQ(check_requested_lengths({.truncate_prompt_tokens = 101}, 100)->param,
            "truncate_prompt_tokens");
  EXPECT_FALSE(check_requested_lengths({.max_tokens = 100, .truncate_prompt_tokens = 100}, 100));
}

TEST(LengthRules, Truncation) {
  const auto cut = [](const SamplingFields& fields, TruncationSide side) {
    std::vector<TokenId> prompt = {1, 2, 3, 4, 5};
    truncate_prompt(prompt, fields, 6, side);
    return prompt;
  };
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(cut({}, TruncationSide::kLeft), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(cut({.truncate_prompt_tokens = 2}, TruncationSide::kLeft), (Ids{4, 5}));
  EXPECT_EQ(cut({.truncate_prompt_tokens = 2}, TruncationSide::kRight), (Ids{1, 2}));
  EXPECT_EQ(cut({.truncate_prompt_tokens = 9}, TruncationSide::kLeft), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(cut({.truncate_prompt_tokens = 0}, TruncationSide::kLeft), Ids{});
  // -1: what is left beside the output asked for.
  EXPECT_EQ(cut({.max_tokens = 3, .truncate_prompt_tokens = -1}, TruncationSide::kLeft),
            (Ids{3, 4, 5}));
}

}  // namespace
}  // namespace nacelle::serve
