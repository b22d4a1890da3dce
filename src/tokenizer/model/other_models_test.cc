#include <gmock/gmock.h>

#include <random>

#include "tokenizer/model/model.h"
#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

using testing::ElementsAre;

std::vector<TokenId> encode(const std::string& json, std::string_view word) {
  const ParsedJson parsed(json);
  const auto model = make_model(parsed.node("model"), WordForm::kText);
  EXPECT_TRUE(model.ok()) << model.error().to_string();
  Scratch scratch;
  std::vector<TokenId> out;
  if (model.ok()) (*model)->encode_word(word, scratch, out);
  return out;
}

TEST(Unigram, TakesTheBestSum) {
  const std::string json =
      R"({"type":"Unigram","unk_id":0,
          "vocab":[["<unk>",0.0],["a",-1.0],["b",-1.0],["ab",-1.5],["abc",-9.0]]})";
  EXPECT_THAT(encode(json, "ab"), ElementsAre(3));
  EXPECT_THAT(encode(json, "aab"), ElementsAre(1, 3));
  EXPECT_THAT(encode(json, "abc"), ElementsAre(4));     // -9 beats -1.5 - 19
  EXPECT_THAT(encode(json, "xxa"), ElementsAre(0, 1));  // unknown neighbours are one
  EXPECT_THAT(encode(json, "axéa"), ElementsAre(1, 0, 1));
}

TEST(Unigram, FallsBackToBytesWhenAllAreThere) {
  const std::string json = R"({"type":"Unigram","unk_id":0,"byte_fallback":true,
      "vocab":[["<unk>",0.0],["a",-1.0],["<0xC3>",-9.0],["<0xA9>",-9.0]]})";
  EXPECT_THAT(encode(json, "aéa"), ElementsAre(1, 2, 3, 1));
  EXPECT_THAT(encode(json, "aéxa"), ElementsAre(1, 0, 1));
}

TEST(Unigram, EqualsBruteForce) {
  std::mt19937 random(6);
  for (int round = 0; round < 100; ++round) {
    std::map<std::string, double> scores;
    std::string vocab = R"(["<unk>",0])";
    std::vector<std::string> pieces{"<unk>"};
    for (const char* piece : {"a", "b", "aa", "ab", "ba", "bb", "aba", "bab", "abb", "aabb"}) {
      const double score = -static_cast<double>(random() % 1000) / 64.0;  // exact sums
      scores[piece] = score;
      vocab += fmt::format(",[\"{}\",{}]", piece, score);
      pieces.push_back(piece);
    }
    std::string word;
    for (int i = 0; i < 9; ++i) word.push_back("ab"[random() % 2]);
    double best = -1e9;
    for (unsigned cuts = 0; cuts < 256; ++cuts) {  // bit i: a cut behind byte i
      double sum = 0;
      std::size_t begin = 0;
      for (std::size_t i = 0; i < 9 && sum > -1e9; ++i) {
        if (i < 8 && (cuts >> i & 1) == 0) continue;
        const auto it = scores.find(word.substr(begin, i + 1 - begin));
        sum = it == scores.end() ? -1e9 : sum + it->second;
        begin = i + 1;
      }
      best = std::max(best, sum);
    }
    double got = 0;
    std::string text;
    for (const TokenId id :
         encode(R"({"type":"Unigram","unk_id":0,"vocab":[)" + vocab + "]}", word)) {
      got += scores[pieces[static_cast<std::size_t>(id)]];
      text += pieces[static_cast<std::size_t>(id)];
    }
    EXPECT_EQ(text, word);
    EXPECT_EQ(got, best);
  }
}

TEST(WordPiece, TakesTheLongestPieceOrTheUnknownToken) {
  const std::string json = R"({"type":"WordPiece","unk_token":"[UNK]","max_input_chars_per_word":6,
      "vocab":{"[UNK]":0,"un":1,"##aff":2,"##able":3,"##a":4,"una":5}})";
  EXPECT_THAT(encode(json, "unaff"), ElementsAre(0));  // "una" leaves "ff", which no piece begins
  EXPECT_THAT(encode(json, "una"), ElementsAre(5));
  EXPECT_THAT(encode(json, "unable"), ElementsAre(0));
  EXPECT_THAT(encode(json, "unaa"), ElementsAre(5, 4));
  EXPECT_THAT(encode(json, "unaaaaa"), ElementsAre(0));  // seven characters
}

TEST(WordLevel, KnowsWholeWords) {
  const std::string json = R"({"type":"WordLevel","unk_token":"?","vocab":{"?":0,"a":1}})";
  EXPECT_THAT(encode(json, "a"), ElementsAre(1));
  EXPECT_THAT(encode(json, "ab"), ElementsAre(0));
}

TEST(Models, AreToldApartWithoutAType) {
  EXPECT_THAT(encode(R"({"vocab":{"a":3},"merges":[]})", "a"), ElementsAre(3));
  EXPECT_THAT(encode(R"({"vocab":[["a",0.0]],"unk_id":null})", "a"), ElementsAre(0));
}

TEST(Models, SayWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"type":"Unigram","vocab":[]})", "model.vocab: the vocabulary is empty"},
      {R"({"type":"Unigram","vocab":[["a"]]})", "model.vocab: entry 0 is not [piece, score]"},
      {R"({"type":"Unigram","vocab":[["a",0]],"unk_id":1})", "model.unk_id: 1 is outside 0..0"},
      {R"({"type":"WordPiece","vocab":{"a":0}})", "unk_token \"[UNK]\" is not in the vocabulary"},
      {R"({"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1})",
       "model.max_input_chars_per_word: -1 is outside"},
      {R"({"type":"WordLevel","vocab":{"a":0},"unk_token":"?"})",
       "unk_token \"?\" is not in the vocabulary"},
      {R"({"type":"WordLevel"})", "model.vocab: missing"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto model = make_model(json.node("model"), WordForm::kText);
    ASSERT_FALSE(model.ok()) << row.json;
    EXPECT_NE(model.error().message().find(row.message), std::string::npos)
        << model.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
