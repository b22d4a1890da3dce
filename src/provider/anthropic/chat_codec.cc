#include "provider/anthropic/chat_codec.h"

#include "provider/anthropic/request_from_chat.h"
#include "provider/usage_meter.h"

namespace nacelle::provider::anthropic {

using json::Json;

std::string_view finish_reason(std::string_view stop_reason) {
  if (stop_reason == "max_tokens") return "length";
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "refusal") return "content_filter";
  return "stop";  // end_turn, stop_sequence, pause_turn
}

void merge_usage(const Json& usage, TokenUsage& out) {
  provider::merge_usage(json::dump(usage), out);
}

ChatCodec::ChatCodec(Backend backend, Context context)
    : backend_(std::move(backend)),
      context_(std::move(context)),
      writer_({.id = "chatcmpl-" + context_.request_id,
               .model = context_.client_model,
               .created = context_.created}) {}

Result<Json> ChatCodec::request(const Json& body, const RequestFacts& facts) {
  return request_from_chat(body, facts, backend_);
}

std::string ChatCodec::model_for_client(std::string model) {
  response_model_ = std::move(model);
  return context_.client_model.empty() ? response_model_ : context_.client_model;
}

Result<Json> ChatCodec::answer(const Json& upstream) {
  const Json* content = json::array_member(upstream, "content");
  if (content == nullptr) return data_loss("the backend's answer has no content");
  chat::Choice choice;
  for (const Json& block : *content) {
    const std::string type = json::string_member(block, "type");
    if (type == "text") {
      choice.text += json::string_member(block, "text");
    } else if (type == "thinking" || type == "redacted_thinking") {
      choice.reasoning += json::string_member(block, "thinking");
      choice.thinking_blocks.push_back(block);
    } else if (type == "tool_use") {
      const Json* input = json::member(block, "input");
      choice.add_tool_call(json::string_member(block, "id"), json::string_member(block, "name"),
                           input == nullptr ? "{}" : json::dump(*input));
    }
  }
  choice.finish_reason = finish_reason(json::string_member(upstream, "stop_reason"));
  if (const Json* usage = json::object_member(upstream, "usage")) merge_usage(*usage, usage_);
  const chat::Head head{.id = json::string_member(upstream, "id"),
                        .model = model_for_client(json::string_member(upstream, "model")),
                        .created = context_.created};
  return chat::completion(head, {choice}, usage_);
}

void ChatCodec::message_start(const Json& event) {
  const Json* message = json::object_member(event, "message");
  if (message == nullptr) return;
  if (std::string id = json::string_member(*message, "id"); !id.empty()) {
    writer_.set_id(std::move(id));
  }
  writer_.set_model(model_for_client(json::string_member(*message, "model")));
  if (const Json* usage = json::object_member(*message, "usage")) merge_usage(*usage, usage_);
}

void ChatCodec::block_start(const Json& event, std::string& out) {
  const Json* block = json::object_member(event, "content_block");
  if (block == nullptr) return;
  const std::string type = json::string_member(*block, "type");
  if (type == "tool_use") {
    in_tool_ = true;
    writer_.tool_call(out, next_tool_, json::string_member(*block, "id"),
                      json::string_member(*block, "name"), "");
  } else if (type == "redacted_thinking") {
    writer_.delta(out, {{"thinking_blocks", Json::array({*block})}});
  }
}

void ChatCodec::block_delta(const Json& event, std::string& out) {
  const Json* delta = json::object_member(event, "delta");
  if (delta == nullptr) return;
  const std::string type = json::string_member(*delta, "type");
  if (type == "text_delta") {
    writer_.text(out, json::string_member(*delta, "text"));
  } else if (type == "thinking_delta") {
    writer_.reasoning(out, json::string_member(*delta, "thinking"));
  } else if (type == "signature_delta") {
    Json block{{"type", "thinking"}, {"signature", json::string_member(*delta, "signature")}};
    writer_.delta(out, {{"thinking_blocks", Json::array({std::move(block)})}});
  } else if (type == "input_json_delta" && in_tool_) {
    writer_.tool_arguments(out, next_tool_, json::string_member(*delta, "partial_json"));
  }
}

Status ChatCodec::event(std::string_view, std::string_view data, std::string& out) {
  if (finished_) return {};
  ASSIGN_OR_RETURN(const Json event, json::parse(data));
  const std::string type = json::string_member(event, "type");
  if (type == "message_start") {
    message_start(event);
  } else if (type == "content_block_start") {
    block_start(event, out);
  } else if (type == "content_block_delta") {
    block_delta(event, out);
  } else if (type == "content_block_stop") {
    if (in_tool_) ++next_tool_;
    in_tool_ = false;
  } else if (type == "message_delta") {
    if (const Json* delta = json::object_member(event, "delta")) {
      const std::string reason = json::string_member(*delta, "stop_reason");
      if (!reason.empty()) finish_reason_ = finish_reason(reason);
    }
    if (const Json* usage = json::object_member(event, "usage")) merge_usage(*usage, usage_);
  } else if (type == "ping") {
    writer_.keep_alive(out);
  } else if (type == "message_stop") {
    finished_ = true;
    writer_.finish(out, finish_reason_);
    writer_.usage_and_done(out, usage_);
  } else if (type == "error") {
    const Json* error = json::object_member(event, "error");
    return unavailable("the backend ended the stream with an error: {}",
                       error == nullptr ? "" : json::string_member(*error, "message"));
  }
  return {};
}

Status ChatCodec::end(std::string&) {
  return finished_ ? Status() : data_loss("the backend's stream ended before message_stop");
}

}  // namespace nacelle::provider::anthropic
