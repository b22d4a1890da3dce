#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "async/runtime.h"
#include "router/tokens/prompt_keys.h"
#include "router/tokens/prompt_tokenizer.h"

namespace nacelle::router {
namespace {

std::shared_ptr<PromptTokenizer> demo(PromptTokenizer::Options options = {}) {
  auto loaded = PromptTokenizer::load(NACELLE_SOURCE_DIR "/models/demo", "", options);
  EXPECT_TRUE(loaded.ok()) << loaded.error().to_string();
  return *loaded;
}

std::string chat_body(const nlohmann::json& messages) {
  return nlohmann::json{{"model", "demo"}, {"messages", messages}}.dump();
}

TEST(PromptTokenizer, AGrowingConversationGivesTheTokensOfTheWhole) {
  const auto cached = demo();
  std::mt19937 random(1);
  auto messages = nlohmann::json::array();
  for (int turn = 0; turn < 12; ++turn) {
    std::string text;
    for (int i = 0; i < 150; ++i) text += "word" + std::to_string(random() % 90) + " ";
    messages.push_back({{"role", turn % 2 == 0 ? "user" : "assistant"}, {"content", text}});
    if (turn % 2 != 0) continue;
    const auto tokens = cached->tokenize_now(PromptKind::kChat, chat_body(messages));
    ASSERT_TRUE(tokens.ok()) << tokens.error().message;
    const auto fresh =
        demo({.cache_bytes = 0})->tokenize_now(PromptKind::kChat, chat_body(messages));
    ASSERT_EQ(tokens->prompts, fresh->prompts);
    ASSERT_GT(tokens->prompts[0].size(), 100u);
  }
  EXPECT_GT(cached->cache_stats().hits, 10u);
}

TEST(PromptTokenizer, CompletionsTextsAndIds) {
  const auto tokenizer = demo();
  const auto text = tokenizer->tokenize_now(PromptKind::kCompletion,
                                            R"({"prompt":["Hello there","Bye"],"cache_salt":"s"})");
  ASSERT_TRUE(text.ok()) << text.error().message;
  ASSERT_EQ(text->prompts.size(), 2u);
  EXPECT_EQ(text->prompts[0], tokenizer->sources().tokenizer->encode("Hello there"));
  EXPECT_EQ(text->cache_salt, "s");
  const auto ids = tokenizer->tokenize_now(PromptKind::kCompletion,
                                           R"({"prompt":[1,2,3,4],"truncate_prompt_tokens":3})");
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(ids->prompts, (std::vector<std::vector<TokenId>>{{2, 3, 4}}));
}

TEST(PromptTokenizer, WhatTheEngineRefusesIsAnError) {
  const auto tokenizer = demo({.max_text_bytes = 1000});
  EXPECT_EQ(tokenizer->tokenize_now(PromptKind::kChat, "{").error().status, 400);
  EXPECT_EQ(tokenizer->tokenize_now(PromptKind::kChat, R"({"messages":[]})").error().status, 400);
  const std::string longer = R"({"prompt":")" + std::string(2000, 'x') + R"("})";
  EXPECT_EQ(tokenizer->tokenize_now(PromptKind::kCompletion, longer).error().status, 400);
}

TEST(PromptTokenizer, LongBodiesGoToTheWorkPool) {
  async::Runtime runtime(1);
  runtime.start();
  async::WorkPool pool(1, 16);
  const auto tokenizer = demo();
  for (const std::size_t size : {std::size_t{10}, std::size_t{50000}}) {
    const auto body =
        std::make_shared<const std::string>(R"({"prompt":")" + std::string(size, 'a') + R"("})");
    const auto tokens = async::run_blocking(
        runtime.loop(0), PromptTokenizer::tokenize(tokenizer, pool, PromptKind::kCompletion, body));
    ASSERT_TRUE(tokens.ok()) << tokens.error().message;
    EXPECT_EQ(tokens->prompts[0], tokenizer->encode(std::string(size, 'a'), true));
  }
  runtime.stop();
  runtime.join();
}

TEST(PieceCache, ItsBoundHolds) {
  PieceCache cache(10000);
  for (int i = 0; i < 500; ++i) {
    cache.insert(PieceCache::key_of(std::to_string(i)), std::vector<TokenId>(100, i));
    EXPECT_LE(cache.stats().bytes, 10000u);
  }
  std::vector<TokenId> tokens;
  EXPECT_TRUE(cache.find(PieceCache::key_of("499"), tokens));
  EXPECT_EQ(tokens, std::vector<TokenId>(100, 499));
  EXPECT_FALSE(cache.find(PieceCache::key_of("0"), tokens));
  cache.insert(PieceCache::key_of("large"), std::vector<TokenId>(1000, 1));  // more than a quarter
  EXPECT_FALSE(cache.find(PieceCache::key_of("large"), tokens));
}

std::vector<TokenId> first_ids(TokenId count) {
  std::vector<TokenId> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 1);
  return ids;
}

// engine.md section 23 and router.md Annex A.
TEST(PromptKeys, EqualThoseOfEnginesAndOfTheSheet) {
  std::vector<std::uint64_t> keys;
  PromptKeys engine({.seed = "0"});
  engine.append(first_ids(33), "", "", keys);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0], 3236607068019569386u);
  keys.clear();
  PromptKeys pickle({.seed = "42", .engine_algorithm = block_hash::HashAlgorithm::kSha256});
  pickle.append(first_ids(16), "", "", keys);
  EXPECT_EQ(keys, (std::vector<std::uint64_t>{4508471921923631364u}));
  keys.clear();
  PromptKeys llmd({.kind = KeyKind::kRequestKey, .seed = "", .model = "m"});
  llmd.append(first_ids(32), "", "", keys);
  EXPECT_EQ(keys, (std::vector<std::uint64_t>{0xfccf55888d5ee3d5u, 0x1f279613e611c44au}));
  keys.clear();
  llmd.append(first_ids(16), "abc", "", keys);
  EXPECT_EQ(keys, (std::vector<std::uint64_t>{0x99b15164aabd8c52u}));
}

TEST(PromptKeys, SaltAndAdapterMakeOtherKeys) {
  std::vector<std::uint64_t> plain, salted, adapter;
  PromptKeys hasher({});
  hasher.append(first_ids(32), "", "", plain);
  hasher.append(first_ids(32), "salt", "", salted);
  hasher.append(first_ids(32), "", "lora", adapter);
  EXPECT_NE(plain[0], salted[0]);
  EXPECT_NE(plain[1], salted[1]);
  EXPECT_NE(plain[0], adapter[0]);
}

}  // namespace
}  // namespace nacelle::router
