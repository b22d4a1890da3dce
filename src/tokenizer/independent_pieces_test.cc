// Pieces encode to what the whole text encodes to, for every family of tests/testdata/tokenizer.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {
namespace {

struct Family {
  std::string name;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<std::string> added;
};

std::vector<Family> families() {
  std::vector<Family> out;
  for (const auto& entry : std::filesystem::directory_iterator(NACELLE_TESTDATA "/tokenizer")) {
    if (entry.path().extension() != ".json") continue;
    const auto text = read_file(entry.path());
    if (!text.ok()) continue;
    auto tokenizer = Tokenizer::from_json(*text);
    if (!tokenizer.ok()) continue;
    Family family{entry.path().stem().string(), *tokenizer, {}};
    const auto json = nlohmann::json::parse(*text);
    for (const auto& token : json.value("added_tokens", nlohmann::json::array())) {
      family.added.push_back(token["content"].get<std::string>());
    }
    out.push_back(std::move(family));
  }
  return out;
}

std::string random_text(const Family& family, std::mt19937& random) {
  static const std::string kParts[] = {" ",
                                       "  ",
                                       "\n",
                                       "hello",
                                       "Hello",
                                       " wor",
                                       "ld",
                                       "\xc3\xa9",
                                       "12345",
                                       "<|im",
                                       "|>",
                                       "<",
                                       "\t",
                                       ".",
                                       "\xe4\xbd\xa0\xe5\xa5\xbd",
                                       "\xf0\x9f\x98\x80",
                                       "can't"};
  std::string text;
  const std::size_t length = random() % 60;
  for (std::size_t i = 0; i < length; ++i) {
    if (!family.added.empty() && random() % 4 == 0) {
      text += family.added[random() % family.added.size()];
    } else {
      text += kParts[random() % std::size(kParts)];
    }
  }
  return text;
}

TEST(IndependentPieces, TokensOfPiecesAreThoseOfTheWhole) {
  std::size_t num_pieces = 0;
  const auto all = families();
  ASSERT_GT(all.size(), 15u);
  for (const Family& family : all) {
    std::mt19937 random(3);
    for (int round = 0; round < 400; ++round) {
      const std::string text = random_text(family, random);
      const auto pieces = family.tokenizer->independent_pieces(text, random() % 8);
      num_pieces += pieces.size();
      std::string joined;
      std::vector<TokenId> tokens;
      for (const std::string_view piece : pieces) {
        joined += piece;
        const auto more = family.tokenizer->encode(piece, {.add_special_tokens = false});
        tokens.insert(tokens.end(), more.begin(), more.end());
      }
      ASSERT_EQ(joined, text) << family.name;
      ASSERT_EQ(tokens, family.tokenizer->encode(text, {.add_special_tokens = false}))
          << family.name << ": " << text;
    }
  }
  EXPECT_GT(num_pieces, 20000u);
}

TEST(IndependentPieces, CutsStayWhenTheTextGrows) {
  for (const Family& family : families()) {
    std::mt19937 random(4);
    for (int round = 0; round < 100; ++round) {
      const std::string text = random_text(family, random);
      const auto before = family.tokenizer->independent_pieces(text, 8);
      const std::string longer = text + "|end" + random_text(family, random);
      const auto after = family.tokenizer->independent_pieces(longer, 8);
      ASSERT_GE(after.size(), before.size()) << family.name;
      for (std::size_t i = 0; i + 1 < before.size(); ++i) {
        ASSERT_EQ(after[i], before[i]) << family.name << ": " << text;
      }
    }
  }
}

TEST(IndependentPieces, TextThatIsNotUtf8StaysWhole) {
  const auto all = families();
  EXPECT_EQ(all.front().tokenizer->independent_pieces("a\xff<s>b", 0).size(), 1u);
  EXPECT_EQ(all.front().tokenizer->independent_pieces("", 0).size(), 1u);
}

}  // namespace
}  // namespace nacelle::tokenizer
