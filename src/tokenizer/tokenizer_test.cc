#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "tokenizer/testing/golden_stream.h"

namespace nacelle::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "tokenizer";

std::shared_ptr<const Tokenizer> family(const std::string& name, const char* config = "{}") {
  auto loaded = Tokenizer::from_json(*read_file(kFolder / (name + ".json")), config);
  EXPECT_TRUE(loaded.ok()) << loaded.error().to_string();
  return loaded.ok() ? *loaded : nullptr;
}

// A folder under the test's temporary directory, removed at the end.
class ModelFolder {
 public:
  ModelFolder() : path_(std::filesystem::path(testing::TempDir()) / "nacelle_tokenizer_test") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~ModelFolder() { std::filesystem::remove_all(path_); }
  void write(const char* name, std::string_view content) const {
    std::ofstream(path_ / name) << content;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr const char* kTiny =
    R"({"added_tokens":[{"id":3,"content":"<s>","special":true,"normalized":false}],
    "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

TEST(Tokenizer, LoadsAFolder) {
  const ModelFolder folder;
  folder.write("tokenizer.json", kTiny);
  folder.write("tokenizer_config.json",
               R"({"bos_token":"<s>","add_bos_token":true,"chat_template":"old","eos_token":"</s>",
                   "added_tokens_decoder":{"5":{"content":"<late>","special":false}}})");
  folder.write("chat_template.jinja", "new");
  const auto loaded = Tokenizer::load(folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
  const Tokenizer& tokenizer = **loaded;
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(3, 2));
  EXPECT_THAT(tokenizer.encode("ab", {.add_special_tokens = false}), ElementsAre(2));
  EXPECT_EQ(tokenizer.config().chat_templates.at("default"), "new");
  EXPECT_EQ(tokenizer.token_to_id("<late>"), 4);  // the next free id, as the reference gives it
  EXPECT_FALSE(tokenizer.is_special(4));
  EXPECT_TRUE(tokenizer.is_special(*tokenizer.token_to_id("</s>")));
  EXPECT_EQ(tokenizer.vocab_size(), 6u);
}

TEST(Tokenizer, SaysWhichFileAndWhereItIsWrong) {
  const ModelFolder folder;
  const auto message = [&] { return Tokenizer::load(folder.path()).error().message(); };
  EXPECT_EQ(Tokenizer::load(folder.path()).error().code(), Code::kNotFound);
  EXPECT_THAT(message(), HasSubstr("tokenizer.json"));
  folder.write("tokenizer.json", "{");
  EXPECT_THAT(message(), HasSubstr("tokenizer.json: not JSON"));
  folder.write("tokenizer.json", "[]");
  EXPECT_THAT(message(), HasSubstr("tokenizer.json: (top level): expected an object"));
  folder.write("tokenizer.json", "{}");
  EXPECT_THAT(message(), HasSubstr("tokenizer.json: model: missing"));
  folder.write("tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})");
  EXPECT_THAT(message(), HasSubstr("tokenizer.json: model.merges: entry 0 needs the token \"b\""));
  folder.write(
      "tokenizer.json",
      R"({"added_tokens":[{"content":"x"}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})");
  EXPECT_THAT(message(), HasSubstr("tokenizer.json: added_tokens[0].id: missing"));
  folder.write("tokenizer.json", kTiny);
  folder.write("tokenizer_config.json", "nope");
  EXPECT_THAT(message(), HasSubstr("tokenizer_config.json: not JSON"));
  folder.write("tokenizer_config.json", "{}");
  folder.write("special_tokens_map.json", R"({"bos_token":{}})");
  EXPECT_THAT(message(), HasSubstr("special_tokens_map.json: bos_token.content: missing"));
}

TEST(Tokenizer, BosAndEosOfTheConfigCountWithoutAPostProcessor) {
  const auto tiny = [](const char* config) {
    return (*Tokenizer::from_json(kTiny, config))->encode("ab");
  };
  EXPECT_THAT(tiny(R"({"bos_token":"<s>"})"), ElementsAre(2));
  EXPECT_THAT(tiny(R"({"add_bos_token":false,"bos_token":"<s>"})"), ElementsAre(2));
  EXPECT_THAT(tiny(R"({"add_bos_token":true,"bos_token":"<s>"})"), ElementsAre(3, 2));
  EXPECT_THAT(
      tiny(R"({"add_bos_token":true,"add_eos_token":true,"bos_token":"<s>","eos_token":"</s>"})"),
      ElementsAre(3, 2, 4));
  EXPECT_THAT(tiny(R"({"add_bos_token":true})"), ElementsAre(2));  // no token to add
  const auto with_template = family("llama2", R"({"add_bos_token":false,"bos_token":"<s>"})");
  EXPECT_EQ(with_template->encode("x"), family("llama2")->encode("x"));
}

TEST(Tokenizer, NewSpecialTokensGetIdsInTheOrderOfTransformers) {
  const auto gpt2 = family(
      "gpt2", R"({"pad_token":"<pp>","eos_token":"<zz>","extra_special_tokens":["<aa>","<bb>"],
      "added_tokens_decoder":{"910":{"content":"<late>"},
                              "906":{"content":"<early>","special":true}}})");
  const std::string_view expected[] = {"<early>", "<late>", "<zz>", "<pp>", "<aa>", "<bb>"};
  for (TokenId id = 905; id < 911; ++id) {
    EXPECT_EQ(gpt2->id_to_token(id), expected[id - 905]);
    EXPECT_EQ(gpt2->is_special(id), id != 906);
  }
}

TEST(Tokenizer, TokenTextKeepsBytes) {
  const auto gpt2 = family("gpt2");
  EXPECT_EQ(gpt2->token_text(*gpt2->token_to_id("Ã")), "\xC3");
  EXPECT_EQ(gpt2->token_text(*gpt2->token_to_id("Ġthe")), " the");
  EXPECT_EQ(gpt2->token_text(*gpt2->token_to_id("<|endoftext|>")), "<|endoftext|>");
  EXPECT_EQ(gpt2->token_text(-1), "");
  EXPECT_EQ(gpt2->token_text(1'000'000), "");

  const auto llama2 = family("llama2");
  EXPECT_EQ(llama2->token_text(*llama2->token_to_id("▁the")), "the");
  EXPECT_EQ(llama2->token_text(*llama2->token_to_id("▁the"), TokenPlace::kInside), " the");
  EXPECT_EQ(llama2->token_text(*llama2->token_to_id("<0xE2>")), "\xE2");

  const auto bert = family("bert");
  EXPECT_EQ(bert->token_text(*bert->token_to_id("the"), TokenPlace::kInside), " the");
}

TEST(Tokenizer, DecodeSkipsWhatItShould) {
  const auto gpt2 = family("gpt2");
  const TokenId end = *gpt2->token_to_id("<|endoftext|>");
  const TokenId the = *gpt2->token_to_id("Ġthe");
  const std::vector<TokenId> ids{the, end, -5, 999'999, the};
  EXPECT_EQ(gpt2->decode(ids), " the the");
  EXPECT_EQ(gpt2->decode(ids, {.skip_special_tokens = false}), " the<|endoftext|> the");
  EXPECT_EQ(gpt2->decode({}), "");
}

TEST(Tokenizer, SpecialTokensInTextCanBePlain) {
  const auto gpt2 = family("gpt2");
  const TokenId end = *gpt2->token_to_id("<|endoftext|>");
  EXPECT_THAT(gpt2->encode("<|endoftext|>"), ElementsAre(end));
  EXPECT_GT(gpt2->encode("<|endoftext|>", {.parse_special = false}).size(), 1u);
}

TEST(Tokenizer, ByteLevelDecodeReturnsTheText) {
  const auto corpus = *read_file(kFolder / "corpus.txt");
  for (const char* name : {"gpt2", "llama3", "gpt_oss", "tekken", "deepseek"}) {
    const auto tokenizer = family(name);
    GoldenStream stream(corpus, 99);
    for (int i = 0; i < 20; ++i) {
      const std::string text = stream.chunk();
      const auto ids = tokenizer->encode(text, {.add_special_tokens = false});
      ASSERT_EQ(tokenizer->decode(ids, {.skip_special_tokens = false}), text) << name;
    }
  }
}

TEST(Tokenizer, OneMegabyteOfOneCharacterIsNothingSpecial) {
  // Quadratic merging would take hours here.
  for (const char* name : {"gpt2", "llama3", "llama2", "mistral", "t5", "bert", "clip"}) {
    const auto tokenizer = family(name);
    for (const char c : {'a', ' ', '\n', '0'}) {
      const auto ids = tokenizer->encode(std::string(1 << 20, c), {.add_special_tokens = false});
      EXPECT_LE(ids.size(), (std::size_t{1} << 20) + 1) << name;
    }
  }
}

TEST(Tokenizer, ThreadsShareOne) {
  const auto corpus = *read_file(kFolder / "corpus.txt");
  const auto qwen = family("qwen2"), bert = family("bert"), t5 = family("t5");
  std::vector<std::vector<TokenId>> results(6);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      GoldenStream stream(corpus, 5);
      for (int n = 0; n < 6; ++n) {
        const std::string text = stream.chunk();
        for (const auto& tokenizer : {qwen, bert, t5}) {
          const auto ids = tokenizer->encode(text);
          results[i].insert(results[i].end(), ids.begin(), ids.end());
          (void)tokenizer->decode(ids);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

TEST(Tokenizer, ManyTokenizersOnOneThreadKeepTheirCachesApart) {
  std::vector<std::shared_ptr<const Tokenizer>> all;
  for (const char* name : {"gpt2", "llama3", "qwen2", "gpt_oss", "tekken", "llama2"})
    all.push_back(family(name));
  std::vector<std::vector<TokenId>> first;
  for (const auto& tokenizer : all)
    first.push_back(tokenizer->encode("the quick brown fox, the end"));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i]->encode("the quick brown fox, the end"), first[i]);
    }
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
