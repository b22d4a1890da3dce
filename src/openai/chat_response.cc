#include "openai/chat_response.h"

namespace nacelle::openai {
namespace {

void write_message(JsonWriter& json, const ChatMessage& message) {
  json.begin_object();
  json.key("role").string(message.role);
  json.key("content");
  write_optional_string(json, message.content);
  json.key("refusal").null();
  json.key("annotations").null();
  json.key("audio").null();
  json.key("function_call").null();
  json.key("tool_calls").begin_array();
  for (const ToolCall& call : message.tool_calls) {
    json.begin_object();
    json.key("id").string(call.id);
    json.key("type").string("function");
    json.key("function").begin_object();
    json.key("name").string(call.name);
    json.key("arguments").string(call.arguments);
    json.end_object();
    json.end_object();
  }
  json.end_array();
  json.key("reasoning");
  write_optional_string(json, message.reasoning);
  json.end_object();
}

void write_choice(JsonWriter& json, const ChatChoice& choice) {
  json.begin_object();
  json.key("index").integer(choice.index);
  json.key("message");
  write_message(json, choice.message);
  json.key("logprobs");
  if (choice.logprobs) {
    write_logprobs(json, *choice.logprobs);
  } else {
    json.null();
  }
  json.key("finish_reason").string(choice.finish_reason);
  json.key("stop_reason");
  write_stop_reason(json, choice.stop_reason);
  json.key("token_ids");
  write_token_ids(json, choice.token_ids);
  json.end_object();
}

}  // namespace

std::string to_json(const ChatResponse& response) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("id").string(response.head.id);
  json.key("object").string("chat.completion");
  json.key("created").integer(response.head.created);
  json.key("model").string(response.head.model);
  json.key("choices").begin_array();
  for (const ChatChoice& choice : response.choices) write_choice(json, choice);
  json.end_array();
  json.key("service_tier").null();
  json.key("system_fingerprint");
  write_optional_string(json, response.head.system_fingerprint);
  json.key("usage");
  write_usage(json, response.usage, UsageForm::kWithNulls);
  json.key("prompt_logprobs");
  if (response.prompt_logprobs) {
    write_logprobs(json, *response.prompt_logprobs);
  } else {
    json.null();
  }
  json.key("prompt_token_ids");
  write_token_ids(json, response.prompt_token_ids);
  json.key("prompt_text");
  write_optional_string(json, response.prompt_text);
  json.key("kv_transfer_params").null();
  json.end_object();
  return out;
}

}  // namespace nacelle::openai
