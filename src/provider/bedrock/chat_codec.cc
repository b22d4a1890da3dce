#include "provider/bedrock/chat_codec.h"

#include "provider/bedrock/request_from_chat.h"

namespace nacelle::provider::bedrock {

namespace {

using json::Json;

std::string_view finish_reason(std::string_view stop_reason) {
  if (stop_reason == "max_tokens") return "length";
  if (stop_reason == "content_filtered") return "content_filter";
  if (stop_reason == "tool_use") return "tool_calls";
  return "stop";
}

// {"text","signature"} or {"reasoningText":{...}} or {"redactedContent"} as a thinking block.
Json thinking_block(const Json& reasoning) {
  if (const Json* redacted = json::member(reasoning, "redactedContent")) {
    return {{"type", "redacted_thinking"}, {"data", *redacted}};
  }
  const Json* text = json::object_member(reasoning, "reasoningText");
  const Json& from = text != nullptr ? *text : reasoning;
  Json block{{"type", "thinking"}};
  json::copy_member(from, "text", block, "thinking");
  json::copy_member(from, "signature", block, "signature");
  return block;
}

}  // namespace

ChatCodec::ChatCodec(Context context)
    : context_(std::move(context)),
      writer_({.id = "", .model = context_.client_model, .created = context_.created}) {}

std::string ChatCodec::id() const {
  return upstream_id_.empty() ? "chatcmpl-" + context_.request_id : upstream_id_;
}

Result<Json> ChatCodec::request(const Json& body, const RequestFacts& facts) {
  model_ = context_.client_model.empty() ? facts.model : context_.client_model;
  response_model_ = facts.model;
  writer_.set_model(model_);
  return request_from_chat(body);
}

void ChatCodec::read_usage(const Json& holder) {
  const Json* usage = json::object_member(holder, "usage");
  if (usage == nullptr) return;
  usage_.reported = true;
  usage_.cached_input = json::count_member(*usage, "cacheReadInputTokens");
  usage_.cache_creation = json::count_member(*usage, "cacheWriteInputTokens");
  usage_.input =
      json::count_member(*usage, "inputTokens") + usage_.cached_input + usage_.cache_creation;
  usage_.output = json::count_member(*usage, "outputTokens");
}

Result<Json> ChatCodec::answer(const Json& upstream) {
  const Json* output = json::object_member(upstream, "output");
  const Json* message = output == nullptr ? nullptr : json::object_member(*output, "message");
  const Json* content = message == nullptr ? nullptr : json::array_member(*message, "content");
  if (content == nullptr) return data_loss("the backend's answer has no output.message.content");
  chat::Choice choice;
  for (const Json& block : *content) {
    if (const Json* text = json::member(block, "text"); text != nullptr && text->is_string()) {
      choice.text += text->get<std::string>();
    } else if (const Json* use = json::object_member(block, "toolUse")) {
      const Json* input = json::member(*use, "input");
      choice.add_tool_call(json::string_member(*use, "toolUseId"),
                           json::string_member(*use, "name"),
                           input == nullptr ? "{}" : json::dump(*input));
    } else if (const Json* reasoning = json::object_member(block, "reasoningContent")) {
      Json thinking = thinking_block(*reasoning);
      choice.reasoning += json::string_member(thinking, "thinking");
      choice.thinking_blocks.push_back(std::move(thinking));
    }
  }
  choice.finish_reason = finish_reason(json::string_member(upstream, "stopReason"));
  read_usage(upstream);
  return chat::completion({.id = id(), .model = model_, .created = context_.created}, {choice},
                          usage_);
}

void ChatCodec::block_delta(const Json& delta, std::string& out) {
  if (const Json* use = json::object_member(delta, "toolUse")) {
    if (in_tool_) writer_.tool_arguments(out, next_tool_, json::string_member(*use, "input"));
  } else if (const Json* reasoning = json::object_member(delta, "reasoningContent")) {
    const std::string text = json::string_member(*reasoning, "text");
    if (!text.empty()) {
      writer_.reasoning(out, text);
    } else {
      writer_.delta(out, {{"thinking_blocks", Json::array({thinking_block(*reasoning)})}});
    }
  } else {
    const std::string text = json::string_member(delta, "text");
    if (!text.empty()) writer_.text(out, text);
  }
}

Status ChatCodec::event(std::string_view type, std::string_view data, std::string& out) {
  ASSIGN_OR_RETURN(const Json event, json::parse(data));
  if (finished_) return {};
  if (type == "messageStart") {
    writer_.set_id(id());
    writer_.text(out, "");
  } else if (type == "contentBlockStart") {
    const Json* start = json::object_member(event, "start");
    const Json* use = start == nullptr ? nullptr : json::object_member(*start, "toolUse");
    if (use == nullptr) return {};
    in_tool_ = true;
    writer_.tool_call(out, next_tool_, json::string_member(*use, "toolUseId"),
                      json::string_member(*use, "name"), "");
  } else if (type == "contentBlockDelta") {
    if (const Json* delta = json::object_member(event, "delta")) block_delta(*delta, out);
  } else if (type == "contentBlockStop") {
    if (in_tool_) ++next_tool_;
    in_tool_ = false;
  } else if (type == "messageStop") {
    stopped_ = true;
    writer_.finish(out, finish_reason(json::string_member(event, "stopReason")));
  } else if (type == "metadata") {
    read_usage(event);
    finished_ = stopped_;
    if (finished_) writer_.usage_and_done(out, usage_);
  }
  return {};
}

Status ChatCodec::end(std::string& out) {
  if (!stopped_) return data_loss("the backend's stream ended before messageStop");
  if (!finished_) writer_.usage_and_done(out, usage_);
  finished_ = true;
  return {};
}

}  // namespace nacelle::provider::bedrock
