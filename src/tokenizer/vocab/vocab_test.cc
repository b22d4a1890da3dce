#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tokenizer/testing/parse.h"
#include "tokenizer/vocab/string_index.h"
#include "tokenizer/vocab/trie.h"
#include "tokenizer/vocab/vocabulary.h"

namespace nacelle::tokenizer {
namespace {

std::string random_word(std::mt19937& random, std::size_t longest) {
  std::string out;
  for (std::size_t n = random() % (longest + 1); n > 0; --n)
    out.push_back("ab\xFF\x01"[random() % 4]);
  return out;
}

TEST(StringIndex, EqualsAMap) {
  std::mt19937 random(1);
  StringIndex index;
  std::map<std::string, TokenId> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string word = random_word(random, 8);
    if (random() % 2 == 0) {
      index.add(word, i);
      model[word] = i;
    }
    const auto it = model.find(word);
    ASSERT_EQ(index.find(word), it == model.end() ? std::nullopt : std::optional(it->second));
  }
  EXPECT_EQ(index.size(), model.size());
}

TEST(Trie, FindsEveryPrefixOfAnEntry) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, TokenId> model;
    std::vector<Trie::Entry> entries;
    std::vector<std::string> words;
    for (int i = 0; i < 200; ++i) words.push_back(random_word(random, 6));
    for (int i = 0; i < 200; ++i) {
      const auto at = static_cast<std::size_t>(i);
      entries.push_back({words[at], i});
      if (!words[at].empty()) model[words[at]] = i;
    }
    const Trie trie(std::move(entries));
    for (int i = 0; i < 200; ++i) {
      const std::string text = "x" + random_word(random, 12);
      std::vector<std::pair<std::size_t, TokenId>> found, expected;
      trie.each_prefix(text, 1,
                       [&](std::size_t length, TokenId id) { found.emplace_back(length, id); });
      for (std::size_t n = 1; n < text.size(); ++n) {
        if (const auto it = model.find(text.substr(1, n)); it != model.end()) {
          expected.emplace_back(n, it->second);
        }
      }
      ASSERT_EQ(found, expected);
      const Trie::Found longest = trie.longest(text, 1);
      EXPECT_EQ(longest.length, expected.empty() ? 0 : expected.back().first);
    }
  }
}

TEST(Trie, HasManyChildren) {
  std::vector<std::string> words;
  for (int b = 0; b < 256; b += 3) words.push_back(std::string("x") + static_cast<char>(b));
  std::vector<Trie::Entry> entries;
  for (std::size_t i = 0; i < words.size(); ++i)
    entries.push_back({words[i], static_cast<TokenId>(i)});
  const Trie trie(std::move(entries));
  for (int b = 0; b < 256; ++b) {
    const auto found = trie.longest(std::string("x") + static_cast<char>(b), 0);
    EXPECT_EQ(found.id, b % 3 == 0 ? b / 3 : -1);
  }
}

TEST(Vocabulary, KeepsGapsAndRefusesBadIds) {
  const ParsedJson good(R"({"a":0,"b":5})");
  const auto vocabulary = Vocabulary::from_json(good.node());
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->id_limit(), 6u);
  EXPECT_EQ(vocabulary->count(), 2u);
  EXPECT_EQ(vocabulary->text(5), "b");
  EXPECT_EQ(vocabulary->text(3), std::nullopt);
  EXPECT_EQ(vocabulary->text(-1), std::nullopt);
  for (const char* bad :
       {R"({"a":-1})", R"({"a":99999999})", R"({"a":"0"})", R"({"a":0.5})", R"([1])"}) {
    const ParsedJson json(bad);
    const auto refused = Vocabulary::from_json(json.node("model.vocab"));
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_TRUE(refused.error().message().starts_with("model.vocab: "))
        << refused.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
