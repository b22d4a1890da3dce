#include "openai/chat_request.h"

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

// A body with one user message and these further members.
std::string with(std::string_view members) {
  std::string body = R"({"messages":[{"role":"user","content":"hi"}])";
  if (!members.empty()) body.append(",").append(members);
  return body + "}";
}

constexpr std::string_view kTools =
    R"("tools":[{"type":"function","function":{"name":"f","parameters":{}}}])";

Parsed<ChatRequest> parse(std::string_view body, ChatPolicy policy = {}) {
  return parse_chat_request(body, SamplingLimits{}, policy);
}

TEST(ChatRequest, Defaults) {
  const auto request = parse(with(""));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->prompt.messages.dump(), R"([{"role":"user","content":"hi"}])");
  EXPECT_FALSE(request->sampling.max_tokens.has_value());
  EXPECT_TRUE(request->prompt.add_generation_prompt);
  EXPECT_FALSE(request->prompt.add_special_tokens);
  EXPECT_FALSE(request->num_logprobs().has_value());
  EXPECT_EQ(request->tool_choice, ToolChoice::kNone);
}

TEST(ChatRequest, MaxCompletionTokensWins) {
  const auto request = parse(with(R"("max_completion_tokens":5,"max_tokens":9)"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->sampling.max_tokens, 5);
  EXPECT_EQ(request->sampling.max_tokens_name, "max_completion_tokens");
}

TEST(ChatRequest, MessagesKeepTheClientsOrderAndKeys) {
  const auto request = parse(
      R"({"messages":[{"z":1,"role":"tool","content":null,"a":{"y":[true,1.5,"x"]}},
          {"role":"assistant","content":[{"type":"text","text":"a"},"b"],
           "tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}]})");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->prompt.messages[0].dump(),
            R"({"z":1,"role":"tool","content":null,"a":{"y":[true,1.5,"x"]}})");
}

TEST(ChatRequest, LogprobsAndTheirCount) {
  EXPECT_EQ(parse(with(R"("logprobs":true)"))->num_logprobs(), 0);
  EXPECT_EQ(parse(with(R"("logprobs":true,"top_logprobs":4)"))->num_logprobs(), 4);
  EXPECT_FALSE(parse(with(R"("top_logprobs":0)"))->num_logprobs().has_value());
}

TEST(ChatRequest, ReasoningEffortReachesTheTemplate) {
  const auto request = parse(with(R"("reasoning_effort":"low","chat_template_kwargs":{"a":1})"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->prompt.chat_template_kwargs.dump(), R"({"a":1,"reasoning_effort":"low"})");
}

TEST(ChatRequest, ContinueTurnsTheGenerationPromptOff) {
  const auto request = parse(with(R"("continue_final_message":true)"));
  ASSERT_TRUE(request.ok());
  EXPECT_FALSE(request->prompt.add_generation_prompt);
}

TEST(ChatRequest, ToolChoice) {
  const ChatPolicy with_parser{.enable_auto_tool_choice = true};
  const std::string tools(kTools);
  EXPECT_EQ(parse(with(tools), with_parser)->tool_choice, ToolChoice::kAuto);
  EXPECT_EQ(parse(with(tools + R"(,"tool_choice":"auto")"), with_parser)->tool_choice,
            ToolChoice::kAuto);
  EXPECT_EQ(parse(with(tools + R"(,"tool_choice":"none")"))->tool_choice, ToolChoice::kNone);
  EXPECT_TRUE(parse(with(R"("tool_choice":"none")")).ok());
}

TEST(ChatRequest, Refusals) {
  struct Row {
    const char* name;
    std::string body;
    const char* type;
    const char* param;
    const char* message;
  };
  constexpr const char* kBody = "Bad Request";
  constexpr const char* kValue = "BadRequestError";
  const std::string tools(kTools);
  const Row rows[] = {
      {"no messages", "{}", kBody, "messages",
       "messages: a list of at least one message is required."},
      {"empty messages", R"({"messages":[]})", kBody, "messages",
       "messages: a list of at least one message is required."},
      {"messages is text", R"({"messages":"hi"})", kBody, "messages",
       "messages: a list of at least one message is required."},
      {"message is text", R"({"messages":["hi"]})", kBody, "messages",
       "messages[0] should be an object."},
      {"no role", R"({"messages":[{"content":"x"}]})", kBody, "messages",
       "messages[0].role should be a string."},
      {"content is a number", R"({"messages":[{"role":"user","content":5}]})", kBody, "messages",
       "messages[0].content should be a string or a list of parts."},
      {"part without text", R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})", kBody,
       "messages", "messages[0].content: a part of type 'text' needs a string 'text'."},
      {"image", R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})", kValue,
       "messages",
       "messages[0].content: parts of type 'image_url' are not accepted: this model takes text "
       "only."},
      {"tool_calls", R"({"messages":[{"role":"assistant","tool_calls":[{}]}]})", kBody, "messages",
       "messages[0].tool_calls: each call needs a function with a name."},
      {"stream_options", with(R"("stream_options":{"include_usage":true})"), kBody,
       "stream_options", "Stream options can only be defined when `stream=True`."},
      {"top_logprobs alone", with(R"("top_logprobs":2)"), kBody, "top_logprobs",
       "when using `top_logprobs`, `logprobs` must be set to true."},
      {"top_logprobs -1 alone", with(R"("top_logprobs":-1)"), kBody, "top_logprobs",
       "when using `top_logprobs`, `logprobs` must be set to true."},
      {"top_logprobs -2", with(R"("logprobs":true,"top_logprobs":-2)"), kBody, "top_logprobs",
       "`top_logprobs` must be a positive value or -1."},
      {"prompt_logprobs with stream", with(R"("stream":true,"prompt_logprobs":1)"), kBody,
       "prompt_logprobs", "`prompt_logprobs` are not available when `stream=True`."},
      {"both prompts", with(R"("continue_final_message":true,"add_generation_prompt":true)"), kBody,
       "", "Cannot set both `continue_final_message` and `add_generation_prompt` to True."},
      {"no tools", with(R"("tools":[])"), kBody, "tools",
       "tools: an empty list is not accepted; leave the field out."},
      {"tools is an object", with(R"("tools":{})"), kBody, "tools",
       "tools: Input should be a list."},
      {"tool without name", with(R"("tools":[{"type":"function","function":{}}])"), kBody, "tools",
       "tools[0].function should be an object with a name."},
      {"choice without tools", with(R"("tool_choice":"auto")"), kBody, "tool_choice",
       "When using `tool_choice`, `tools` must be set."},
      {"unknown choice", with(tools + R"(,"tool_choice":"maybe")"), kBody, "tool_choice",
       "Invalid value for `tool_choice`: maybe! Only named tools, \"none\", \"auto\" or "
       "\"required\" are supported."},
      {"misnamed tool",
       with(tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"), kBody,
       "tool_choice",
       "The tool specified in `tool_choice` does not match any of the specified `tools`"},
      {"ill-formed choice", with(tools + R"(,"tool_choice":{"type":"function"})"), kBody,
       "tool_choice",
       "Incorrectly formatted `tool_choice`. Should be like `{\"type\": \"function\", "
       "\"function\": {\"name\": \"my_function\"}}`"},
      {"required", with(tools + R"(,"tool_choice":"required")"), kValue, "tool_choice",
       "tool_choice=\"required\" is not supported yet."},
      {"auto without parser", with(tools), kValue, "tool_choice",
       "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"},
      {"template", with(R"("chat_template":"{{ x }}")"), kValue, "chat_template",
       "Chat template is passed with request, but --trust-request-chat-template is not set. "
       "Refused request with untrusted chat template."},
      {"kwargs", with(R"("chat_template_kwargs":[1])"), kBody, "chat_template_kwargs",
       "chat_template_kwargs: Input should be an object."},
      {"logprobs is a number", with(R"("logprobs":3)"), kBody, "logprobs",
       "logprobs: Input should be a valid boolean."},
      {"effort", with(R"("reasoning_effort":"extreme")"), kBody, "reasoning_effort",
       "reasoning_effort: Input should be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or "
       "'max'."},
      {"json schema", with(R"("response_format":{"type":"json_schema","json_schema":{}})"), kValue,
       "response_format", "response_format json_schema is not supported yet."},
      {"max_completion_tokens 0", with(R"("max_completion_tokens":0)"), kValue,
       "max_completion_tokens",
       "max_completion_tokens must be at least 1, got 0. (parameter=max_completion_tokens, "
       "value=0)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto parsed = parse(row.body);
    if (parsed.ok()) {
      ADD_FAILURE() << "accepted";
      continue;
    }
    EXPECT_EQ(parsed.error().status, 400);
    EXPECT_EQ(parsed.error().type, row.type);
    EXPECT_EQ(parsed.error().param.value_or(""), row.param);
    EXPECT_EQ(parsed.error().message, row.message);
  }
}

TEST(ChatRequest, ManyKeysTakeLinearTimeAndTheLastOfEqualOnesStays) {
  std::string kwargs = R"("chat_template_kwargs":{"k":1)";
  for (int i = 0; i < 200000; ++i) kwargs += fmt::format(R"(,"{}":0)", i);
  const auto request = parse(with(kwargs + R"(,"k":2})"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->prompt.chat_template_kwargs.size(), 200001u);
  EXPECT_EQ(request->prompt.chat_template_kwargs.front(), 2);
}

}  // namespace
}  // namespace nacelle::openai
