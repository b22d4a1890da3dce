#include "openai/tokenize.h"

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

TEST(Tokenize, ReadsTextAndConversations) {
  const auto text = parse_tokenize_request(R"({"prompt":"","return_token_strs":true})", {});
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(std::get<std::string>(text->input), "");
  EXPECT_TRUE(text->add_special_tokens);
  EXPECT_TRUE(text->return_token_strs);

  const auto chat =
      parse_tokenize_request(R"({"messages":[{"role":"user","content":"x"}],"model":"m"})", {});
  ASSERT_TRUE(chat.ok());
  EXPECT_FALSE(std::get<TemplateFields>(chat->input).add_special_tokens);
  EXPECT_EQ(chat->model, "m");
}

TEST(Tokenize, Refusals) {
  EXPECT_EQ(parse_tokenize_request("{}", {}).error().message,
            "Either prompt or messages must be provided.");
  EXPECT_EQ(parse_tokenize_request(R"({"prompt":[1]})", {}).error().message,
            "prompt: Input should be a valid string.");
  EXPECT_EQ(parse_detokenize_request("{}").error().message, "tokens: Field required.");
  EXPECT_EQ(parse_detokenize_request(R"({"tokens":[-1]})").error().message,
            "tokens: Input should be greater than or equal to 0, got -1.");
  EXPECT_EQ(parse_detokenize_request(R"({"tokens":["a"]})").error().message,
            "tokens: Input should be a list of integers.");
}

TEST(Tokenize, AnswersAreExact) {
  TokenizeResponse response{.max_model_len = 64, .tokens = {1, 2}, .token_strs = {}};
  EXPECT_EQ(to_json(response),
            R"({"count":2,"max_model_len":64,"tokens":[1,2],"token_strs":null})");
  response.token_strs = {{"a", "\u0120b"}};
  EXPECT_EQ(
      to_json(response),
      "{\"count\":2,\"max_model_len\":64,\"tokens\":[1,2],\"token_strs\":[\"a\",\"\u0120b\"]}");
  EXPECT_EQ(detokenize_json("a\n"), R"({"prompt":"a\n"})");
}

}  // namespace
}  // namespace nacelle::openai
