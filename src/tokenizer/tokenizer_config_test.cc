#include "tokenizer/tokenizer_config.h"

#include <gtest/gtest.h>

namespace nacelle::tokenizer {
namespace {

TEST(TokenizerConfig, ReadsWhatServedModelsWrite) {
  const auto config = parse_tokenizer_config(R"({
    "added_tokens_decoder": {"10": {"content": "<|b|>", "special": true},
                             "9": {"content": "<a>", "lstrip": true}},
    "additional_special_tokens": ["<x>", {"content": "<y>", "special": true}],
    "add_bos_token": true, "add_eos_token": null, "bos_token": {"content": "<s>", "lstrip": false},
    "eos_token": "</s>", "pad_token": null, "image_token": "<image>", "chat_template": "{{ x }}",
    "model_max_length": 1000000000000000019884624838656, "tokenizer_class": "LlamaTokenizer",
    "clean_up_tokenization_spaces": false, "sp_model_kwargs": {}})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->bos_token(), "<s>");
  EXPECT_EQ(config->eos_token(), "</s>");
  EXPECT_EQ(config->pad_token(), std::nullopt);
  EXPECT_EQ(config->unk_token(), std::nullopt);
  EXPECT_EQ(config->special("image_token"), "<image>");
  EXPECT_EQ(config->extra_special_tokens, (std::vector<std::string>{"<x>", "<y>"}));
  EXPECT_EQ(config->add_bos_token, true);
  EXPECT_EQ(config->add_eos_token, std::nullopt);
  EXPECT_EQ(config->model_max_length, std::nullopt);
  EXPECT_EQ(config->tokenizer_class, "LlamaTokenizer");
  EXPECT_EQ(config->chat_templates.at("default"), "{{ x }}");
  ASSERT_EQ(config->added_tokens.size(), 2u);
  EXPECT_EQ(config->added_tokens[0].content, "<a>");  // by id, not by text of the key
  EXPECT_TRUE(config->added_tokens[0].lstrip);
  EXPECT_EQ(config->added_tokens[1].id, 10);
}

TEST(TokenizerConfig, ReadsNamedTemplatesAndLimits) {
  const auto config = parse_tokenizer_config(
      R"({"chat_template":[{"name":"default","template":"a"},{"name":"tool_use","template":"b"}],
          "model_max_length":131072,"extra_special_tokens":{"image_token":"<i>"}})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->chat_templates.at("tool_use"), "b");
  EXPECT_EQ(config->model_max_length, 131072);
  EXPECT_EQ(config->special("image_token"), "<i>");
  EXPECT_EQ(parse_tokenizer_config(R"({"model_max_length":1e30})")->model_max_length, std::nullopt);
}

TEST(TokenizerConfig, TheOlderMapCountsWithoutAddedTokensDecoder) {
  constexpr const char* kMap = R"({"bos_token":"<other>","unk_token":{"content":"<unk>"}})";
  auto config = parse_tokenizer_config(R"({"bos_token":"<s>","eos_token":"</s>"})");
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE(add_special_tokens_map(kMap, *config).ok());
  EXPECT_EQ(config->bos_token(), "<other>");
  EXPECT_EQ(config->eos_token(), "</s>");
  EXPECT_EQ(config->unk_token(), "<unk>");
  config = parse_tokenizer_config(R"({"bos_token":"<s>","added_tokens_decoder":{}})");
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE(add_special_tokens_map(kMap, *config).ok());
  EXPECT_EQ(config->bos_token(), "<s>");
  EXPECT_EQ(config->unk_token(), std::nullopt);
}

TEST(TokenizerConfig, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "expected an object"},
      {R"({"added_tokens_decoder":[]})", "added_tokens_decoder: expected an object"},
      {R"({"added_tokens_decoder":{"x":{"content":"a"}}})",
       "added_tokens_decoder.x: the id is not"},
      {R"({"added_tokens_decoder":{"1":{}}})", "added_tokens_decoder.1.content: missing"},
      {R"({"chat_template":7})", "chat_template: expected an array"},
      {R"({"chat_template":[{"name":"a"}]})", "chat_template[0].template: missing"},
      {R"({"add_bos_token":"yes"})", "add_bos_token: expected a boolean"},
      {R"({"model_max_length":0})", "model_max_length: must be at least 1"},
      {R"({"additional_special_tokens":[1]})", "additional_special_tokens[0]: expected a string"},
      {R"({"bos_token":{"text":"a"}})", "bos_token.content: missing"},
  };
  for (const Row& row : rows) {
    const auto config = parse_tokenizer_config(row.json);
    ASSERT_FALSE(config.ok()) << row.json;
    EXPECT_NE(config.error().message().find(row.message), std::string::npos)
        << config.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
