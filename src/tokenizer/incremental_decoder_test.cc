#include "tokenizer/incremental_decoder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "base/utf8.h"
#include "tokenizer/testing/golden_stream.h"

namespace nacelle::tokenizer {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "tokenizer";

std::shared_ptr<const Tokenizer> family(const std::string& name) {
  auto loaded = Tokenizer::from_json(*read_file(kFolder / (name + ".json")));
  EXPECT_TRUE(loaded.ok()) << loaded.error().to_string();
  return loaded.ok() ? *loaded : nullptr;
}

// Families whose decoder is decided token by token.
constexpr const char* kStreaming[] = {"gpt2",     "llama3", "qwen2",          "gpt_oss",
                                      "deepseek", "llama2", "mistral",        "gemma",
                                      "t5",       "bert",   "nfkd_metaspace", "words"};

TEST(IncrementalDecoder, PartsMakeTheWhole) {
  const std::string corpus = *read_file(kFolder / "corpus.txt");
  for (const char* name : kStreaming) {
    const auto tokenizer = family(name);
    GoldenStream stream(corpus, 21);
    GoldenRandom random(22);
    for (int i = 0; i < 12; ++i) {
      const auto ids = tokenizer->encode(stream.chunk());
      const DecodeOptions options{.skip_special_tokens = i % 2 == 0};
      // A cut inside a character would put U+FFFD into decode(prompt): move on to a clean one.
      std::size_t cut = random.below(static_cast<std::uint32_t>(ids.size()));
      const std::span<const TokenId> all(ids);
      const std::string whole = tokenizer->decode(all, options);
      while (!whole.starts_with(tokenizer->decode(all.first(cut), options))) ++cut;
      const std::string prompt_text = tokenizer->decode(all.first(cut), options);

      IncrementalDecoder decoder(tokenizer, all.first(cut), options);
      std::string text;
      for (const TokenId id : all.subspan(cut)) {
        const std::string part = decoder.append(id);
        ASSERT_TRUE(is_valid_utf8(part)) << name;
        text += part;
      }
      text += decoder.flush();
      ASSERT_EQ(text, whole.substr(prompt_text.size())) << name << ", cut at " << cut;
    }
  }
}

TEST(IncrementalDecoder, RandomIdsNeverGivePartialCharacters) {
  for (const char* name : kStreaming) {
    const auto tokenizer = family(name);
    GoldenRandom random(23);
    const auto size = static_cast<std::uint32_t>(tokenizer->vocab_size());
    for (int i = 0; i < 50; ++i) {
      std::vector<TokenId> ids(random.below(60));
      for (TokenId& id : ids) id = static_cast<TokenId>(random.below(size + 2));
      IncrementalDecoder decoder(tokenizer, {});
      std::string text;
      for (const TokenId id : ids) {
        const std::string part = decoder.append(id);
        ASSERT_TRUE(is_valid_utf8(part)) << name;
        text += part;
      }
      text += decoder.flush();
      const std::string whole = tokenizer->decode(ids);
      if (whole.find("\uFFFD") == std::string::npos) {
        ASSERT_EQ(text, whole) << name;
      }
    }
  }
}

TEST(IncrementalDecoder, HoldsAnEmojiUntilItIsWhole) {
  const auto tokenizer = family("gpt2");
  std::vector<TokenId> ids;
  for (const char* token : {"ð", "Ł", "ĺ", "Ģ"}) ids.push_back(*tokenizer->token_to_id(token));
  IncrementalDecoder decoder(tokenizer, {});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(decoder.append(ids[i]), "");
  EXPECT_EQ(decoder.append(ids[3]), "😀");
  EXPECT_EQ(decoder.append(ids[0]), "");
  EXPECT_EQ(decoder.flush(), "\uFFFD");
}

TEST(IncrementalDecoder, KeepsTheSpaceOfTheFirstTokenBehindAPrompt) {
  const auto tokenizer = family("llama2");
  const TokenId the = *tokenizer->token_to_id("▁the");
  EXPECT_EQ(IncrementalDecoder(tokenizer, {}).append(the), "the");
  EXPECT_EQ(IncrementalDecoder(tokenizer, std::vector<TokenId>{the}).append(the), " the");
  // A prompt of special tokens only leaves the decoder at its begin.
  EXPECT_EQ(IncrementalDecoder(tokenizer, std::vector<TokenId>{1}).append(the), "the");
  const std::vector<TokenId> long_prompt(10'000, the);
  EXPECT_EQ(IncrementalDecoder(tokenizer, long_prompt).append(the), " the");
}

}  // namespace
}  // namespace nacelle::tokenizer
