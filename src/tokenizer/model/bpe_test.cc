#include "tokenizer/model/bpe.h"

#include <gmock/gmock.h>

#include <random>

#include "tokenizer/model/merge_queue.h"
#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

using testing::ElementsAre;

std::vector<TokenId> encode(const Model& model, std::string_view word) {
  Scratch scratch;
  std::vector<TokenId> out;
  model.encode_word(word, scratch, out);
  return out;
}

std::unique_ptr<Model> make(const std::string& json, WordForm form = WordForm::kText) {
  const ParsedJson parsed(json);
  auto model = make_model(parsed.node("model"), form);
  EXPECT_TRUE(model.ok()) << model.error().to_string();
  return model.ok() ? *std::move(model) : nullptr;
}

TEST(Bpe, MergesLowestRankFirst) {
  const auto model = make(R"({"type":"BPE","vocab":{"a":0,"b":1,"c":2,"bc":3,"ab":4,"abc":5},
      "merges":["b c","a b","a bc"]})");
  EXPECT_THAT(encode(*model, "abc"), ElementsAre(5));
  EXPECT_THAT(encode(*model, "ab"), ElementsAre(4));
  EXPECT_THAT(encode(*model, "cab"), ElementsAre(2, 4));
}

TEST(Bpe, ReadsPairsThatHoldSpaces) {
  const auto model = make(R"({"type":"BPE","vocab":{" ":0,"  ":1},"merges":[[" "," "]]})");
  EXPECT_THAT(encode(*model, "   "), ElementsAre(1, 0));
}

TEST(Bpe, UnknownCharacters) {
  const std::string vocab = R"("vocab":{"<unk>":0,"a":1,"<0xC3>":2,"<0xA9>":3},"merges":[])";
  EXPECT_THAT(encode(*make(R"({"type":"BPE",)" + vocab + "}"), "axxa"), ElementsAre(1, 1));
  EXPECT_THAT(encode(*make(R"({"type":"BPE","unk_token":"<unk>",)" + vocab + "}"), "axxa"),
              ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(
      encode(*make(R"({"type":"BPE","unk_token":"<unk>","fuse_unk":true,)" + vocab + "}"), "axxa"),
      ElementsAre(1, 0, 1));
  const auto fallback = make(
      R"({"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,)" + vocab + "}");
  EXPECT_THAT(encode(*fallback, "aéa"), ElementsAre(1, 2, 3, 1));
  // "x" has no byte token; the unknown token comes when the next known character does.
  EXPECT_THAT(encode(*fallback, "xéa"), ElementsAre(2, 3, 0, 1));
}

TEST(Bpe, PrefixAndSuffix) {
  const auto prefix = make(R"({"type":"BPE","continuing_subword_prefix":"##",
      "vocab":{"a":0,"##b":1,"ab":2,"##c":3,"abc":4},"merges":["a ##b","ab ##c"]})");
  EXPECT_THAT(encode(*prefix, "abc"), ElementsAre(4));
  const auto suffix = make(R"({"type":"BPE","end_of_word_suffix":"</w>",
      "vocab":{"a":0,"b</w>":1,"ab</w>":2,"b":3},"merges":["a b</w>"]})");
  EXPECT_THAT(encode(*suffix, "ab"), ElementsAre(2));
  EXPECT_THAT(encode(*suffix, "bab"), ElementsAre(3, 2));
}

TEST(Bpe, IgnoreMergesTakesWholeWords) {
  const std::string rest = R"("vocab":{"a":0,"b":1,"Ġ":2,"Ġab":3},"merges":[]})";
  EXPECT_THAT(
      encode(*make(R"({"type":"BPE","ignore_merges":true,)" + rest, WordForm::kBytes), " ab"),
      ElementsAre(3));
  EXPECT_THAT(encode(*make(R"({"type":"BPE",)" + rest, WordForm::kBytes), " ab"),
              ElementsAre(2, 0, 1));
}

// Repeatedly merges the leftmost pair of lowest rank.
std::vector<TokenId> slow_merge(const std::map<std::pair<TokenId, TokenId>, Merge>& merges,
                                std::vector<TokenId> ids) {
  while (true) {
    Merge best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto it = merges.find({ids[i], ids[i + 1]});
      if (it != merges.end() && it->second.rank < best.rank) {
        best = it->second;
        at = i;
      }
    }
    if (best.rank == kNoRank) return ids;
    ids[at] = best.result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, ShortAndLongWordsEqualTheSlowModel) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> tokens{"a", "b", "c"};
    std::map<std::pair<TokenId, TokenId>, Merge> merges;
    std::string merges_json;
    for (std::uint32_t rank = 0; rank < 40; ++rank) {
      const auto left = static_cast<TokenId>(random() % tokens.size());
      const auto right = static_cast<TokenId>(random() % tokens.size());
      const std::string text =
          tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)];
      const auto known = std::find(tokens.begin(), tokens.end(), text);
      const auto result = static_cast<TokenId>(known - tokens.begin());
      if (text.size() > 24) continue;
      merges_json += fmt::format("{}\"{} {}\"", merges_json.empty() ? "" : ",",
                                 tokens[static_cast<std::size_t>(left)],
                                 tokens[static_cast<std::size_t>(right)]);
      if (known == tokens.end()) tokens.push_back(text);
      merges[{left, right}] = {
          static_cast<std::uint32_t>(std::count(merges_json.begin(), merges_json.end(), ',')),
          result};
    }
    std::string vocab_json;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      vocab_json += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", tokens[i], i);
    }
    const auto model = make(
        fmt::format(R"({{"type":"BPE","vocab":{{{}}},"merges":[{}]}})", vocab_json, merges_json));
    for (int i = 0; i < 40; ++i) {
      std::string word;
      std::vector<TokenId> ids;
      for (std::size_t n = 1 + random() % (i % 2 == 0 ? 20 : 300); n > 0; --n) {
        ids.push_back(static_cast<TokenId>(random() % (i % 5 == 0 ? 1 : 3)));
        word.push_back(static_cast<char>('a' + ids.back()));
      }
      ASSERT_EQ(encode(*model, word), slow_merge(merges, ids)) << word;
    }
  }
}

TEST(Bpe, CutsBeforeMarksOnlyWhenNoTokenCrosses) {
  EXPECT_EQ(make(R"({"type":"BPE","vocab":{"▁":0,"a":1,"▁a":2,"▁▁":3},"merges":["▁ a","▁ ▁"]})")
                ->cut_before(),
            "▁");
  EXPECT_EQ(make(R"({"type":"BPE","vocab":{"▁":0,"a":1,"a▁":2},"merges":["a ▁"]})")->cut_before(),
            "");
  EXPECT_EQ(make(R"({"type":"BPE","vocab":{"a":1},"merges":[]})")->cut_before(), "");
}

TEST(Bpe, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"type":"BPE","merges":[]})", "model.vocab: missing"},
      {R"({"type":"BPE","vocab":{}})", "model.merges: missing"},
      {R"({"type":"BPE","vocab":{"a":0},"merges":["a b"]})",
       "model.merges: entry 0 needs the token \"b\", which model.vocab does not have"},
      {R"({"type":"BPE","vocab":{"a":0},"merges":["a a"]})", "needs the token \"aa\""},
      {R"({"type":"BPE","vocab":{"a":0},"merges":["a"]})", "entry 0 is neither"},
      {R"({"type":"BPE","vocab":{"a":0},"merges":[["a"]]})", "entry 0 is neither"},
      {R"({"type":"BPE","vocab":{"a":0},"merges":{}})", "model.merges: expected an array"},
      {R"({"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1})",
       "model.dropout: dropout gives random ids"},
      {R"({"type":"LSTM","vocab":{}})", "model: unknown model \"LSTM\""},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto model = make_model(json.node("model"), WordForm::kText);
    ASSERT_FALSE(model.ok()) << row.json;
    EXPECT_NE(model.error().message().find(row.message), std::string::npos)
        << model.error().message();
  }
}

TEST(MergeQueue, GivesLowestRankThenLeftmost) {
  std::mt19937 random(4);
  MergeQueue queue;
  std::vector<std::pair<std::uint32_t, std::int32_t>> model;
  for (int i = 0; i < 20'000; ++i) {
    if (model.empty() || random() % 3 != 0) {
      const std::uint32_t rank = random() % 5;
      const auto position = static_cast<std::int32_t>(random() % 100);
      queue.push(rank, position);
      model.emplace_back(rank, position);
    } else {
      const auto lowest = std::min_element(model.begin(), model.end());
      const auto item = queue.pop();
      ASSERT_EQ(std::make_pair(item.rank, item.position), *lowest);
      model.erase(lowest);
    }
    ASSERT_EQ(queue.empty(), model.empty());
  }
}

TEST(WordCache, ReturnsWhatWasStoredForExactlyThatWord) {
  WordCache cache;
  std::vector<TokenId> out;
  std::string word;
  for (std::size_t n = 1; n <= WordCache::kMaxWord; ++n) {
    word.push_back(static_cast<char>('a' + n));
    const auto key = WordCache::key_of(word);
    cache.insert(key, std::vector<TokenId>{static_cast<TokenId>(n), 7});
    out.clear();
    ASSERT_TRUE(cache.find(key, out));
    EXPECT_THAT(out, ElementsAre(static_cast<TokenId>(n), 7));
    EXPECT_FALSE(cache.find(WordCache::key_of(word.substr(0, n - 1) + '\0'), out));
  }
  EXPECT_NE(WordCache::key_of("a"), WordCache::key_of(std::string_view("a\0", 2)));
  const auto key = WordCache::key_of("many");
  cache.insert(key, std::vector<TokenId>(WordCache::kMaxIds + 1));
  EXPECT_FALSE(cache.find(key, out));
}

TEST(WordCache, KeysAreOneToOne) {
  std::mt19937 random(5);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> seen;
  for (int i = 0; i < 50'000; ++i) {
    std::string word;
    for (std::size_t n = 1 + random() % WordCache::kMaxWord; n > 0; --n)
      word.push_back("\0a\xFF"[random() % 3]);
    const auto key = WordCache::key_of(word);
    const auto [it, is_new] = seen.emplace(std::make_pair(key.low, key.high), word);
    ASSERT_EQ(it->second, word);
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
