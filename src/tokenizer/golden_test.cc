// The ids and texts of every family in tests/testdata/tokenizer against those that the Hugging Face
// library gave (tools/goldens/tokenizer.py): 2 MB of text, 10,000 random byte strings and 1,000
// random id sequences each.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "base/utf8.h"
#include "tokenizer/json/json_node.h"
#include "tokenizer/testing/golden_stream.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "tokenizer";

std::string read(const std::string& name) {
  auto content = read_file(kFolder / name);
  EXPECT_TRUE(content.ok()) << content.error().to_string();
  return content.ok() ? *content : "";
}

EncodeOptions options_for(std::size_t number) {
  return {.add_special_tokens = number % 4 == 0, .parse_special = number % 8 != 1};
}

std::uint64_t hash_ids(const std::vector<TokenId>& ids, std::uint64_t state = kFnvStart) {
  for (const TokenId id : ids) state = fnv(static_cast<std::uint32_t>(id), state);
  return state;
}

std::uint64_t hash_text(std::string_view text, std::uint64_t state = kFnvStart) {
  for (const char c : text) state = fnv(static_cast<std::uint8_t>(c), state);
  return state;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto loaded = Tokenizer::from_json(read(GetParam() + ".json"));
    ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
    tokenizer_ = *loaded;
    std::istringstream lines(read(GetParam() + ".golden"));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string kind;
      words >> kind;
      rows_[kind].push_back(line.substr(kind.size() + 1));
    }
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::map<std::string, std::vector<std::string>> rows_;
};

TEST_P(Golden, Examples) {
  ASSERT_FALSE(rows_["example"].empty());
  for (const std::string& row : rows_["example"]) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    ASSERT_EQ(parser.parse(row).get(element), simdjson::SUCCESS);
    const std::string_view text = element["text"].get_string().value();
    std::vector<TokenId> expected;
    for (const auto id : element["ids"].get_array()) {
      expected.push_back(static_cast<TokenId>(id.get_int64().value()));
    }
    const auto ids = tokenizer_->encode(text);
    EXPECT_EQ(ids, expected) << text;
    EXPECT_EQ(tokenizer_->decode(ids, {.skip_special_tokens = false}),
              element["decoded"].get_string().value());
  }
}

TEST_P(Golden, TwoMegabytesOfText) {
  ASSERT_EQ(rows_["chunk"].size(), 520u);
  GoldenStream stream(read("corpus.txt"), 1);
  std::size_t total_bytes = 0;
  int wrong = 0;
  for (std::size_t i = 0; i < rows_["chunk"].size() && wrong < 3; ++i) {
    const std::string text = stream.chunk();
    total_bytes += text.size();
    const auto ids = tokenizer_->encode(text, options_for(i));
    std::string line = fmt::format("{} {} {:016x}", i, ids.size(), hash_ids(ids));
    if (i % 8 < 2) {
      line += fmt::format(" {:016x}",
                          hash_text(tokenizer_->decode(ids, {.skip_special_tokens = i % 8 == 0})));
    }
    EXPECT_EQ(line, rows_["chunk"][i]);
    if (line != rows_["chunk"][i]) ++wrong;
  }
  EXPECT_GE(total_bytes, 2'000'000u);
}

TEST_P(Golden, RandomByteStrings) {
  ASSERT_EQ(rows_["bytes"].size(), 100u);
  GoldenRandom random(2);
  for (std::size_t i = 0; i < rows_["bytes"].size(); ++i) {
    std::uint64_t state = kFnvStart;
    for (std::size_t j = 0; j < 100; ++j) {
      state = hash_ids(tokenizer_->encode(random_bytes(random), options_for(j)),
                       fnv(0xFFFFFFFF, state));
    }
    EXPECT_EQ(fmt::format("{} {:016x}", i, state), rows_["bytes"][i]);
  }
}

TEST_P(Golden, RandomIds) {
  ASSERT_EQ(rows_["decode"].size(), 20u);
  GoldenRandom random(3);
  const auto size = static_cast<std::uint32_t>(tokenizer_->vocab_size());
  for (std::size_t i = 0; i < rows_["decode"].size(); ++i) {
    std::uint64_t state = kFnvStart;
    for (std::size_t j = 0; j < 50; ++j) {
      std::vector<TokenId> ids(random.below(30));
      for (TokenId& id : ids) id = static_cast<TokenId>(random.below(size + 2));
      state = hash_text(tokenizer_->decode(ids, {.skip_special_tokens = j % 2 == 0}), state);
      state = fnv(0xFFFFFFFF, state);
    }
    EXPECT_EQ(fmt::format("{} {:016x}", i, state), rows_["decode"][i]);
  }
}

std::vector<std::string> families() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".golden") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Families, Golden, testing::ValuesIn(families()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace nacelle::tokenizer
