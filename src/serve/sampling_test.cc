#include "serve/sampling.h"

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

using openai::SamplingFields;

ServerConfig config() {
  ServerConfig out;
  out.max_model_len = 100;
  out.vocab_size = 50;
  return out;
}

// One token per character: its code; "!" cannot be encoded.
Result<std::vector<TokenId>> encode(std::string_view text) {
  if (text.find('!') != text.npos) return invalid_argument("no");
  return std::vector<TokenId>(text.begin(), text.end());
}

engine::SamplingParams resolved(const SamplingFields& fields, const ServerConfig& server = config(),
                                std::optional<std::int64_t> logprobs = {}) {
  auto out = resolve_sampling(fields, logprobs, server, 10, encode);
  EXPECT_TRUE(out.ok());
  return out.ok() ? *out : engine::SamplingParams{};
}

TEST(Sampling, NeutralValuesWithoutAnyRecommendation) {
  const auto params = resolved({});
  EXPECT_EQ(params.temperature, 1.0f);
  EXPECT_EQ(params.top_p, 1.0f);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.min_p, 0.0f);
  EXPECT_EQ(params.repetition_penalty, 1.0f);
  EXPECT_EQ(params.max_tokens, 90u);  // what the context leaves
  EXPECT_EQ(params.logprobs, -1);
  EXPECT_EQ(params.prompt_logprobs, -1);
}

TEST(Sampling, RecommendationsFillWhatTheRequestLeavesOpen) {
  ServerConfig server = config();
  server.defaults = {.temperature = 0.6, .top_p = 0.9, .top_k = 20, .max_new_tokens = 30};
  EXPECT_EQ(resolved({}, server).temperature, 0.6f);
  EXPECT_EQ(resolved({}, server).top_k, 20);
  EXPECT_EQ(resolved({}, server).max_tokens, 30u);
  EXPECT_EQ(resolved({.temperature = 0.8, .max_tokens = 40}, server).temperature, 0.8f);
  EXPECT_EQ(resolved({.max_tokens = 40}, server).max_tokens, 40u);
  server.defaults.max_new_tokens_cap = 25;
  EXPECT_EQ(resolved({.max_tokens = 40}, server).max_tokens, 25u);
}

TEST(Sampling, GreedyNeutralisesTheRest) {
  const auto params = resolved({.temperature = 0.0, .top_p = 0.5, .min_p = 0.3, .top_k = 5});
  EXPECT_TRUE(params.greedy());
  EXPECT_EQ(params.top_p, 1.0f);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.min_p, 0.0f);
  const auto several = resolve_sampling({.temperature = 0.0, .n = 2}, {}, config(), 10, encode);
  ASSERT_FALSE(several.ok());
  EXPECT_EQ(several.error().message, "n must be 1 when using greedy sampling, got 2.");
}

TEST(Sampling, SmallTemperaturesAreRaised) {
  EXPECT_EQ(resolved({.temperature = 0.005}).temperature, 0.01f);
  EXPECT_EQ(resolved({.temperature = 0.02}).temperature, 0.02f);
}

TEST(Sampling, OffAndHugeTopK) {
  EXPECT_EQ(resolved({.top_k = -1}).top_k, 0);
  EXPECT_EQ(resolved({.top_k = INT64_MAX}).top_k, INT32_MAX);
}

TEST(Sampling, StopIdsTakeTheModelsUnlessEosIsIgnored) {
  ServerConfig server = config();
  server.defaults.extra_eos_token_ids = {7, 49, 50};
  EXPECT_EQ(resolved({.stop_token_ids = {9, -1, 7, INT64_MAX}}, server).stop_token_ids,
            (std::vector<TokenId>{7, 9, 49}));
  EXPECT_EQ(resolved({.stop_token_ids = {9}, .ignore_eos = true}, server).stop_token_ids,
            (std::vector<TokenId>{9}));
}

TEST(Sampling, IdsOutsideTheVocabulary) {
  const auto biased = resolve_sampling({.logit_bias = {{50, 1.0}}}, {}, config(), 10, encode);
  ASSERT_FALSE(biased.ok());
  EXPECT_EQ(biased.error().message,
            "token_id(s) [50] in logit_bias contain out-of-vocab token ids. Vocabulary size: 50");
  const auto allowed = resolve_sampling({.allowed_token_ids = std::vector<std::int64_t>{1, -3}}, {},
                                        config(), 10, encode);
  ASSERT_FALSE(allowed.ok());
  EXPECT_EQ(allowed.error().message, "allowed_token_ids contains out-of-vocab token id!");
}

TEST(Sampling, SpeculationRefusesWhatItRefusesInVllm) {
  ServerConfig server = config();
  EXPECT_EQ(resolved({.min_p = 0.1}, server).min_p, 0.1f);
  server.refuses_min_p_and_logit_bias = true;
  for (const SamplingFields& fields :
       {SamplingFields{.min_p = 0.1}, SamplingFields{.logit_bias = {{3, 1.0}}}}) {
    const auto refused = resolve_sampling(fields, {}, server, 10, encode);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message,
              "The min_p and logit_bias sampling parameters are not yet supported with "
              "speculative decoding.");
  }
  EXPECT_EQ(resolved({.temperature = 0.0, .min_p = 0.3}, server).min_p, 0.0f);  // greedy has none
}

TEST(Sampling, BadWordsInBothSpacings) {
  // With a space the word has another number of tokens here, so only the plain form is banned.
  EXPECT_EQ(resolved({.bad_words = {" ab"}}).bad_words,
            (std::vector<std::vector<TokenId>>{{'a', 'b'}}));
  // A tokenizer that merges the space into the first letter.
  const EncodeText merging = [](std::string_view text) -> Result<std::vector<TokenId>> {
    std::vector<TokenId> out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool spaced = text[i] == ' ' && i + 1 < text.size();
      out.push_back(spaced ? 1000 + text[++i] : text[i]);
    }
    return out;
  };
  const auto params = resolve_sampling({.bad_words = {"ab"}}, {}, config(), 10, merging);
  ASSERT_TRUE(params.ok());
  EXPECT_EQ(params->bad_words, (std::vector<std::vector<TokenId>>{{'a', 'b'}, {1000 + 'a', 'b'}}));
  EXPECT_FALSE(resolve_sampling({.bad_words = {"!"}}, {}, config(), 10, encode).ok());
}

TEST(Sampling, EachChoiceHasItsOwnSeed) {
  const auto params = resolved({.seed = INT64_MAX, .n = 2});
  EXPECT_EQ(params_of_choice(params, 0).seed, INT64_MAX);
  EXPECT_EQ(params_of_choice(params, 1).seed, INT64_MIN);
  EXPECT_FALSE(resolved({.seed = -1}).seed.has_value());
}

TEST(Sampling, LogprobCounts) {
  EXPECT_EQ(resolved({}, config(), 0).logprobs, 0);
  EXPECT_EQ(resolved({}, config(), 5).logprobs, 5);
  EXPECT_EQ(resolved({}, config(), -1).logprobs, engine::SamplingParams::kAllLogprobs);
  EXPECT_EQ(resolved({.prompt_logprobs = 3}).prompt_logprobs, 3);
}

}  // namespace
}  // namespace nacelle::serve
