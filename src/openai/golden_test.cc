// Every shape of answer and chunk, byte for byte. To accept a change, run with
// NACELLE_UPDATE_GOLDENS=1 and review the diff: it is a change of the contract with clients.
#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>

#include "base/file.h"
#include "openai/chat_chunk.h"
#include "openai/chat_response.h"
#include "openai/completion_response.h"
#include "openai/models.h"

namespace nacelle::openai {
namespace {

void expect_golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(NACELLE_TESTDATA) + "/openai/" + name;
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, actual).ok());
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << expected.error().to_string();
  EXPECT_EQ(*expected, actual) << name;
}

AnswerHead head(std::string id) {
  return {.id = std::move(id),
          .created = 1700000000,
          .model = "demo",
          .system_fingerprint = "vllm-0.1.0-0123abcd"};
}

CompletionLogprobs completion_logprobs() {
  CompletionLogprobs out;
  out.text_offset = {0, 3};
  out.token_logprobs = {std::nullopt, -0.25f};
  out.tokens = {"The", " cat"};
  out.top_logprobs = {std::nullopt,
                      CompletionLogprobs::Alternatives{{" cat", -0.25f}, {" dog", -1.5f}}};
  return out;
}

ChatLogprobs chat_logprobs() {
  return {{.sampled = {"\u00e9", -0.5f, "\u00e9"},
           .top = {{"\u00e9", -0.5f, "\u00e9"},
                   {"\ufffd", -std::numeric_limits<float>::infinity(), "\xc3"}}}};
}

TEST(Golden, CompletionResponse) {
  CompletionResponse response{
      .head = head("cmpl-1"), .choices = {}, .usage = {.prompt_tokens = 2, .completion_tokens = 3}};
  response.choices.push_back({.index = 0, .text = "plain \"text\"\n", .finish_reason = "stop"});
  response.choices.push_back({.index = 1,
                              .text = "all",
                              .logprobs = completion_logprobs(),
                              .finish_reason = "length",
                              .stop_reason = TokenId{7},
                              .token_ids = std::vector<TokenId>{4, 5},
                              .prompt_logprobs = PromptLogprobs{{}, {{9, -1.0f, 1, "x"}}},
                              .prompt_token_ids = std::vector<TokenId>{1, 9}});
  expect_golden("completion_response.json", to_json(response));
}

TEST(Golden, CompletionStream) {
  std::string out;
  const CompletionChunkWriter writer(head("cmpl-2"));
  const Usage running{.prompt_tokens = 2, .completion_tokens = 1};
  writer.append_choice(out, {.index = 0, .text = "a"}, nullptr, false);
  writer.append_choice(out,
                       {.index = 1,
                        .text = "b",
                        .logprobs = completion_logprobs(),
                        .token_ids = std::vector<TokenId>{4},
                        .prompt_token_ids = std::vector<TokenId>{1}},
                       &running, false);
  writer.append_choice(out, {.index = 0, .text = "", .finish_reason = "stop", .stop_reason = "END"},
                       nullptr, true);
  writer.append_usage(out, {.prompt_tokens = 2, .completion_tokens = 3, .cached_tokens = 1});
  out += kDoneEvent;
  expect_golden("completion_stream.sse", out);
}

TEST(Golden, ChatResponse) {
  ChatResponse response{.head = head("chatcmpl-1"),
                        .choices = {},
                        .usage = {.prompt_tokens = 5, .completion_tokens = 4, .cached_tokens = 4}};
  response.choices.push_back(
      {.index = 0, .message = {.content = "hello"}, .finish_reason = "stop"});
  response.choices.push_back({.index = 1,
                              .message = {.content = std::nullopt,
                                          .tool_calls = {{"chatcmpl-tool-1", "f", "{\"a\": 1}"}},
                                          .reasoning = "because"},
                              .logprobs = chat_logprobs(),
                              .finish_reason = "tool_calls",
                              .stop_reason = TokenId{3},
                              .token_ids = std::vector<TokenId>{8}});
  response.prompt_logprobs = PromptLogprobs{{}, {{9, -1.0f, 1, "x"}, {2, -0.125f, 2, "y"}}};
  response.prompt_token_ids = std::vector<TokenId>{1, 2};
  response.prompt_text = "<user>";
  expect_golden("chat_response_full.json", to_json(response));

  response.choices.pop_back();
  response.prompt_logprobs.reset();
  response.prompt_token_ids.reset();
  response.prompt_text.reset();
  response.usage.cached_tokens.reset();
  response.head.system_fingerprint.reset();
  expect_golden("chat_response.json", to_json(response));
}

TEST(Golden, ChatStream) {
  std::string out;
  const ChatChunkWriter writer(head("chatcmpl-2"));
  const Usage running{.prompt_tokens = 5, .completion_tokens = 0};
  writer.append_role(out, 0, "assistant", {}, nullptr);
  writer.append_role(out, 1, "assistant",
                     {.token_ids = std::vector<TokenId>{1, 2}, .text = "<user>"}, &running);
  writer.append_delta(out, {.index = 0, .content = "hel"}, nullptr, false);
  writer.append_delta(out,
                      {.index = 1,
                       .content = "\u00e9",
                       .logprobs = chat_logprobs(),
                       .token_ids = std::vector<TokenId>{8}},
                      &running, false);
  writer.append_delta(
      out,
      {.index = 0,
       .tool_calls = {{.index = 0, .id = "chatcmpl-tool-1", .name = "f", .arguments = {}}}},
      nullptr, false);
  writer.append_delta(out, {.index = 0, .tool_calls = {{.index = 0, .arguments = "{\"a\":"}}},
                      nullptr, false);
  writer.append_delta(out, {.index = 0, .content = "", .finish_reason = "length"}, nullptr, true);
  writer.append_delta(out, {.index = 1, .finish_reason = "tool_calls", .stop_reason = TokenId{3}},
                      nullptr, false);
  writer.append_usage(out, {.prompt_tokens = 5, .completion_tokens = 4});
  append_error_event(out, from_status(internal("the engine stopped")));
  out += kDoneEvent;
  expect_golden("chat_stream.sse", out);
}

TEST(Golden, Models) {
  expect_golden("models.json",
                to_json(std::vector<ModelCard>{{.id = "demo",
                                                .created = 1700000000,
                                                .root = "/models/demo",
                                                .max_model_len = 4096,
                                                .permission_id = "modelperm-0123"}}));
}

}  // namespace
}  // namespace nacelle::openai
