#include "openai/chat_chunk.h"

namespace nacelle::openai {
namespace {

void write_tool_calls(JsonWriter& json, const std::vector<ToolCallDelta>& calls) {
  json.key("tool_calls").begin_array();
  for (const ToolCallDelta& call : calls) {
    json.begin_object();
    json.key("index").integer(call.index);
    if (call.id) {
      json.key("id").string(*call.id);
      json.key("type").string("function");
    }
    json.key("function").begin_object();
    if (call.name) json.key("name").string(*call.name);
    if (call.arguments) json.key("arguments").string(*call.arguments);
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

}  // namespace

ChatChunkWriter::ChatChunkWriter(const AnswerHead& head) : fingerprint_(head.system_fingerprint) {
  prefix_ = "data: ";
  JsonWriter json(prefix_);
  json.begin_object();
  json.key("id").string(head.id);
  json.key("object").string("chat.completion.chunk");
  json.key("created").integer(head.created);
  json.key("model").string(head.model);
  json.key("choices");
}

void ChatChunkWriter::append_role(std::string& out, std::int64_t index, std::string_view role,
                                  const PromptEcho& prompt, const Usage* usage) const {
  out += prefix_;
  JsonWriter json(out);
  json.begin_array();
  json.begin_object();
  json.key("index").integer(index);
  json.key("delta").begin_object();
  json.key("role").string(role);
  json.key("content").string("");
  json.end_object();
  json.key("logprobs").null();
  json.key("finish_reason").null();
  json.end_object();
  json.end_array();
  if (usage != nullptr) {
    json.key("usage");
    write_usage(json, *usage, UsageForm::kCountsOnly);
  }
  json.key("prompt_token_ids");
  write_token_ids(json, prompt.token_ids);
  json.key("prompt_text");
  write_optional_string(json, prompt.text);
  json.end_object();
  out += "\n\n";
}

void ChatChunkWriter::append_delta(std::string& out, const ChatDelta& delta, const Usage* usage,
                                   bool with_fingerprint) const {
  out += prefix_;
  JsonWriter json(out);
  json.begin_array();
  json.begin_object();
  json.key("index").integer(delta.index);
  json.key("delta").begin_object();
  if (delta.content) json.key("content").string(*delta.content);
  if (!delta.tool_calls.empty()) write_tool_calls(json, delta.tool_calls);
  json.end_object();
  json.key("logprobs");
  if (delta.logprobs) {
    write_logprobs(json, *delta.logprobs);
  } else {
    json.null();
  }
  json.key("finish_reason");
  write_optional_string(json, delta.finish_reason);
  if (delta.finish_reason) {
    json.key("stop_reason");
    write_stop_reason(json, delta.stop_reason);
  }
  json.key("token_ids");
  write_token_ids(json, delta.token_ids);
  json.end_object();
  json.end_array();
  if (usage != nullptr) {
    json.key("usage");
    write_usage(json, *usage, UsageForm::kCountsOnly);
  }
  if (with_fingerprint && fingerprint_) json.key("system_fingerprint").string(*fingerprint_);
  json.end_object();
  out += "\n\n";
}

void ChatChunkWriter::append_usage(std::string& out, const Usage& usage) const {
  out += prefix_;
  JsonWriter json(out);
  json.begin_array();
  json.end_array();
  json.key("usage");
  write_usage(json, usage, UsageForm::kWithoutNulls);
  if (fingerprint_) json.key("system_fingerprint").string(*fingerprint_);
  json.end_object();
  out += "\n\n";
}

}  // namespace nacelle::openai
