// POST /v1/chat/completions over loopback, with scripted tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "base/file.h"
#include "serve/testing/server_fixture.h"

namespace nacelle::serve {
namespace {

using engine::FinishReason;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::Script;
using testing::ServerFixture;
using testing::ServerSetup;

void expect_golden(const std::string& name, const std::string& body) {
  std::string actual = std::regex_replace(body, std::regex("\"created\":[0-9]+"), "\"created\":0");
  actual = std::regex_replace(actual, std::regex("chatcmpl-tool-[0-9a-f]{32}"), "chatcmpl-tool-0");
  const std::string path = std::string(NACELLE_TESTDATA) + "/serve/" + name;
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, actual).ok());
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << expected.error().to_string();
  EXPECT_EQ(*expected, actual) << name;
}

constexpr std::string_view kId = "X-Request-Id: golden\r\n";
constexpr std::string_view kChat = "/v1/chat/completions";

std::string body_with(std::string_view members) {
  std::string out = R"({"messages":[{"role":"user","content":"hi"}])";
  if (!members.empty()) out.append(",").append(members);
  return out + "}";
}

// What the chunks of one choice add up to.
struct Streamed {
  std::string content;
  nlohmann::json tool_calls = nlohmann::json::array();
  std::string finish_reason;
  int role_chunks = 0;
};

std::vector<Streamed> read_stream(const std::string& body, std::size_t choices) {
  std::vector<Streamed> out(choices);
  for (std::size_t at = 0; (at = body.find("data: {", at)) != std::string::npos; ++at) {
    const auto chunk = nlohmann::json::parse(body.substr(at + 6, body.find("\n\n", at) - at - 6));
    if (!chunk.contains("choices")) continue;
    for (const auto& choice : chunk["choices"]) {
      Streamed& to = out.at(choice["index"].get<std::size_t>());
      const auto& delta = choice["delta"];
      if (delta.contains("role")) ++to.role_chunks;
      if (delta.contains("content")) to.content += delta["content"].get<std::string>();
      if (delta.contains("tool_calls")) {
        for (const auto& call : delta["tool_calls"]) {
          const auto index = call["index"].get<std::size_t>();
          if (call.contains("id")) {
            EXPECT_EQ(index, to.tool_calls.size());
            to.tool_calls.push_back({{"name", call["function"]["name"]}, {"arguments", ""}});
          }
          const std::string more = call["function"].value("arguments", "");
          auto& arguments = to.tool_calls.at(index)["arguments"];
          arguments = arguments.get<std::string>() + more;
        }
      }
      if (!choice["finish_reason"].is_null()) to.finish_reason = choice["finish_reason"];
    }
  }
  return out;
}

TEST(Chat, Whole) {
  ServerFixture server;
  const auto answer = server.post(kChat, body_with(""), kId);
  EXPECT_EQ(answer.status, 200);
  expect_golden("chat.json", answer.body);
  const auto request = server.engine().requests().at(0);
  auto expected = bytes_of("user\nhi");
  expected.insert(expected.begin(), testing::kImStart);
  EXPECT_EQ(std::vector<TokenId>(request.prompt.begin(), request.prompt.begin() + 8), expected);
  EXPECT_EQ(request.params.max_tokens, 200u - request.prompt.size());
}

// One token only, so that the chunks are always the same.
TEST(Chat, StreamGolden) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = {'x'}, .finish = FinishReason::kLength};
  };
  setup.config.system_fingerprint = "vllm-1.2.3-01234567";
  ServerFixture server(std::move(setup));
  expect_golden("chat_stream.sse", server.post(kChat, body_with(R"("stream":true)"), kId).body);
  expect_golden(
      "chat_stream_all.sse",
      server
          .post(kChat, body_with(R"("stream":true,"return_token_ids":true,"return_prompt_text":true,
                             "logprobs":true,"top_logprobs":2,"stream_options":
                             {"include_usage":true,"continuous_usage_stats":true})"),
                kId)
          .body);
}

TEST(Chat, ChoicesInterleaveAndEachIsComplete) {
  ServerSetup setup;
  setup.script = ServerSetup::say("caf\u00e9 \u20ac");
  ServerFixture server(std::move(setup));
  const auto answer = server.post(kChat, body_with(R"("stream":true,"n":3)"));
  EXPECT_THAT(answer.body, ::testing::EndsWith("data: [DONE]\n\n"));
  for (const Streamed& choice : read_stream(answer.body, 3)) {
    EXPECT_EQ(choice.content, "caf\u00e9 \u20ac");
    EXPECT_EQ(choice.finish_reason, "stop");
    EXPECT_EQ(choice.role_chunks, 1);
  }
}

TEST(Chat, LogprobsAndPromptLogprobs) {
  ServerFixture server;
  const auto answer =
      server.post(kChat, body_with(R"("logprobs":true,"top_logprobs":2,"prompt_logprobs":1)"))
          .json();
  const auto& content = answer["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 6u);
  EXPECT_EQ(content[0]["token"], "h");
  EXPECT_EQ(content[0]["bytes"].dump(), "[104]");
  EXPECT_EQ(content[0]["top_logprobs"].size(), 2u);
  EXPECT_TRUE(answer["prompt_logprobs"][0].is_null());
  EXPECT_EQ(answer["prompt_logprobs"].size(), answer["usage"]["prompt_tokens"]);
}

TEST(Chat, ContinueAndEcho) {
  ServerFixture server;
  const auto answer = server
                          .post(kChat,
                                R"({"messages":[{"role":"user","content":"q"},
                    {"role":"assistant","content":"so "}],
                    "continue_final_message":true,"echo":true})")
                          .json();
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "so hello");
  EXPECT_EQ(answer["choices"][0]["message"]["role"], "assistant");
  const auto prompt = server.engine().requests().at(0).prompt;
  EXPECT_EQ(prompt.back(), ' ');
}

TEST(Chat, ToolCallsWholeAndStreamed) {
  ServerSetup setup;
  setup.config.enable_auto_tool_choice = true;
  setup.config.tool_call_parser = "hermes";
  setup.script = ServerSetup::say(
      "Sure.<tool_call>{\"name\": \"f\", \"arguments\": {\"a\":\"\u00e9\"}}</tool_call>"
      "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>");
  ServerFixture server(std::move(setup));
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f"}}],"max_tokens":130)";
  const auto whole = server.post(kChat, body_with(tools), kId);
  expect_golden("chat_tools.json", whole.body);

  const auto streamed =
      read_stream(server.post(kChat, body_with(tools + R"(,"stream":true)")).body, 1)[0];
  EXPECT_EQ(streamed.content, "Sure.");
  EXPECT_EQ(streamed.finish_reason, "tool_calls");
  EXPECT_EQ(streamed.tool_calls.dump(),
            "[{\"arguments\":\"{\\\"a\\\": \\\"\u00e9\\\"}\",\"name\":\"f\"},"
            "{\"arguments\":\"{}\",\"name\":\"g\"}]");

  const auto one = server.post(kChat, body_with(tools + R"(,"parallel_tool_calls":false)")).json();
  EXPECT_EQ(one["choices"][0]["message"]["tool_calls"].size(), 1u);
}

TEST(Chat, ToolsReachTheTemplateWithoutBeingParsed) {
  ServerFixture server;
  const auto answer =
      server
          .post(kChat, body_with(R"("tools":[{"type":"function","function":{"name":"f"}}],
                                    "tool_choice":"none","return_prompt_text":true)"))
          .json();
  EXPECT_EQ(answer["prompt_text"],
            "tools:1\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "hello");
}

TEST(Chat, TemplateErrorsAreTheClients) {
  ServerSetup setup;
  setup.chat_template = "{{ raise_exception('roles must alternate') }}";
  ServerFixture server(std::move(setup));
  const auto answer = server.post(kChat, body_with(""));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["type"], "BadRequestError");
  EXPECT_EQ(answer.error_message(), "roles must alternate");
  EXPECT_EQ(server.engine().places_in_use(), 0);
}

TEST(Chat, TrustedTemplateOfTheRequest) {
  ServerSetup setup;
  setup.config.trust_request_chat_template = true;
  ServerFixture server(std::move(setup));
  const auto answer =
      server.post(kChat, body_with(R"("chat_template":"T{{ x }}","return_prompt_text":true,
                                      "chat_template_kwargs":{"x":5})"));
  EXPECT_EQ(answer.json()["prompt_text"], "T5");
  EXPECT_EQ(server.post(kChat, body_with(R"("chat_template":"{% if %}")")).status, 400);
}

TEST(Chat, MaxTokensIsCappedByTheServer) {
  ServerSetup setup;
  setup.config.defaults.max_new_tokens_cap = 3;
  ServerFixture server(std::move(setup));
  (void)server.post(kChat, body_with(R"("max_completion_tokens":50)"));
  EXPECT_EQ(server.engine().requests().at(0).params.max_tokens, 3u);
}

}  // namespace
}  // namespace nacelle::serve
