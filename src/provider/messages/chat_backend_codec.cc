#include "provider/messages/chat_backend_codec.h"

#include "net/sse/event_writer.h"
#include "provider/messages/request_to_chat.h"
#include "provider/usage_meter.h"

namespace nacelle::provider::messages {

namespace {

using json::Json;

std::string stop_reason(std::string_view finish_reason) {
  if (finish_reason == "length") return "max_tokens";
  if (finish_reason == "tool_calls" || finish_reason == "function_call") return "tool_use";
  if (finish_reason == "content_filter") return "refusal";
  return "end_turn";
}

// The parts beside the rest, as this dialect reports them.
Json usage_object(const TokenUsage& usage) {
  const std::uint64_t parts = usage.cached_input + usage.cache_creation;
  Json out{{"input_tokens", usage.input >= parts ? usage.input - parts : 0},
           {"output_tokens", usage.output}};
  if (usage.cache_creation > 0) out["cache_creation_input_tokens"] = usage.cache_creation;
  if (usage.cached_input > 0) out["cache_read_input_tokens"] = usage.cached_input;
  return out;
}

void read_usage(const Json& holder, TokenUsage& out) {
  const Json* usage = json::object_member(holder, "usage");
  if (usage == nullptr) return;
  merge_usage(json::dump(*usage), out);
  // A chat codec of ours reports what Anthropic's dialect counts apart.
  if (const Json* details = json::object_member(*usage, "prompt_tokens_details")) {
    out.cache_creation = json::count_member(*details, "cache_creation_input_tokens");
  }
}

// The member under which this backend streams its reasoning.
std::string reasoning_of(const Json& message) {
  std::string text = json::string_member(message, "reasoning_content");
  return text.empty() ? json::string_member(message, "reasoning") : text;
}

void append_event(std::string& out, const Json& event) {
  net::sse::append_event(out, json::string_member(event, "type"), json::dump(event));
}

}  // namespace

ChatBackendCodec::ChatBackendCodec(Context context) : context_(std::move(context)) {}

Result<Json> ChatBackendCodec::request(const Json& body, const RequestFacts& facts) {
  requested_model_ = facts.model;
  return request_to_chat(body, facts);
}

std::string ChatBackendCodec::id_for(const Json& upstream) const {
  std::string id = json::string_member(upstream, "id");
  return id.empty() ? "msg_" + context_.request_id : id;
}

std::string ChatBackendCodec::model_for(const Json& upstream) {
  if (std::string model = json::string_member(upstream, "model"); !model.empty()) {
    response_model_ = std::move(model);
  }
  if (!context_.client_model.empty()) return context_.client_model;
  return response_model_.empty() ? requested_model_ : response_model_;
}

Result<Json> ChatBackendCodec::answer(const Json& upstream) {
  const Json* choices = json::array_member(upstream, "choices");
  const Json* message = choices == nullptr || choices->empty()
                            ? nullptr
                            : json::object_member(choices->front(), "message");
  if (message == nullptr) return data_loss("the backend's answer has no choice");
  read_usage(upstream, usage_);
  Json content = Json::array();
  if (const Json* thinking = json::array_member(*message, "thinking_blocks")) {
    for (const Json& block : *thinking) content.push_back(block);
  } else if (const std::string reasoning = reasoning_of(*message); !reasoning.empty()) {
    content.push_back({{"type", "thinking"}, {"thinking", reasoning}, {"signature", ""}});
  }
  std::string text = json::string_member(*message, "content");
  if (text.empty()) text = json::string_member(*message, "refusal");
  if (!text.empty()) content.push_back({{"type", "text"}, {"text", std::move(text)}});
  if (const Json* calls = json::array_member(*message, "tool_calls")) {
    for (const Json& call : *calls) {
      const Json* function = json::object_member(call, "function");
      if (function == nullptr) continue;
      auto input = json::parse_object(json::string_member(*function, "arguments"));
      content.push_back({{"type", "tool_use"},
                         {"id", json::string_member(call, "id")},
                         {"name", json::string_member(*function, "name")},
                         {"input", input ? *input : Json::object()}});
    }
  }
  return Json{{"id", id_for(upstream)},
              {"type", "message"},
              {"role", "assistant"},
              {"model", model_for(upstream)},
              {"content", std::move(content)},
              {"stop_reason", stop_reason(json::string_member(choices->front(), "finish_reason"))},
              {"stop_sequence", nullptr},
              {"usage", usage_object(usage_)}};
}

void ChatBackendCodec::start_message(const Json& chunk, std::string& out) {
  started_ = true;
  append_event(out, {{"type", "message_start"},
                     {"message",
                      {{"id", id_for(chunk)},
                       {"type", "message"},
                       {"role", "assistant"},
                       {"model", model_for(chunk)},
                       {"content", Json::array()},
                       {"stop_reason", nullptr},
                       {"stop_sequence", nullptr},
                       {"usage", {{"input_tokens", 0}, {"output_tokens", 0}}}}}});
}

void ChatBackendCodec::open_block(Block kind, Json content, std::string& out) {
  close_block(out);
  block_ = kind;
  append_event(out, {{"type", "content_block_start"},
                     {"index", next_block_},
                     {"content_block", std::move(content)}});
}

void ChatBackendCodec::close_block(std::string& out) {
  if (block_ == Block::kNone) return;
  block_ = Block::kNone;
  append_event(out, {{"type", "content_block_stop"}, {"index", next_block_++}});
}

void ChatBackendCodec::block_delta(Json delta, std::string& out) {
  append_event(
      out, {{"type", "content_block_delta"}, {"index", next_block_}, {"delta", std::move(delta)}});
}

void ChatBackendCodec::apply_thinking(const Json& blocks, std::string& out) {
  for (const Json& block : blocks) {
    if (json::string_member(block, "type") == "redacted_thinking") {
      open_block(Block::kThinking, block, out);
      close_block(out);
      continue;
    }
    const std::string signature = json::string_member(block, "signature");
    if (signature.empty()) continue;
    if (block_ != Block::kThinking) {
      open_block(Block::kThinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}},
                 out);
    }
    block_delta({{"type", "signature_delta"}, {"signature", signature}}, out);
    close_block(out);
  }
}

void ChatBackendCodec::apply_tool_call(const Json& call, std::string& out) {
  const Json* function = json::object_member(call, "function");
  if (function == nullptr) return;
  const std::uint64_t index = json::count_member(call, "index");
  const std::string name = json::string_member(*function, "name");
  if (block_ != Block::kTool || index != open_tool_) {
    if (name.empty()) return;  // arguments of a call that never began
    open_tool_ = index;
    open_block(Block::kTool,
               {{"type", "tool_use"},
                {"id", json::string_member(call, "id")},
                {"name", name},
                {"input", Json::object()}},
               out);
  }
  const std::string arguments = json::string_member(*function, "arguments");
  if (arguments.empty()) return;
  block_delta({{"type", "input_json_delta"}, {"partial_json", arguments}}, out);
}

void ChatBackendCodec::apply_delta(const Json& delta, std::string& out) {
  if (const std::string text = reasoning_of(delta); !text.empty()) {
    if (block_ != Block::kThinking) {
      open_block(Block::kThinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}},
                 out);
    }
    block_delta({{"type", "thinking_delta"}, {"thinking", text}}, out);
  }
  if (const Json* blocks = json::array_member(delta, "thinking_blocks")) {
    apply_thinking(*blocks, out);
  }
  std::string text = json::string_member(delta, "content");
  if (text.empty()) text = json::string_member(delta, "refusal");
  if (!text.empty()) {
    if (block_ != Block::kText) open_block(Block::kText, {{"type", "text"}, {"text", ""}}, out);
    block_delta({{"type", "text_delta"}, {"text", text}}, out);
  }
  if (const Json* calls = json::array_member(delta, "tool_calls")) {
    for (const Json& call : *calls) apply_tool_call(call, out);
  }
}

Status ChatBackendCodec::event(std::string_view, std::string_view data, std::string& out) {
  if (finished_ || data == "[DONE]") return {};
  ASSIGN_OR_RETURN(const Json chunk, json::parse_object(data));
  if (const Json* error = json::object_member(chunk, "error")) {
    return unavailable("the backend ended the stream with an error: {}",
                       json::string_member(*error, "message"));
  }
  if (!started_) start_message(chunk, out);
  const Json* choices = json::array_member(chunk, "choices");
  read_usage(chunk, usage_);
  if (choices != nullptr && !choices->empty()) {
    const Json& choice = choices->front();
    if (const Json* delta = json::object_member(choice, "delta")) apply_delta(*delta, out);
    const std::string reason = json::string_member(choice, "finish_reason");
    if (!reason.empty()) stop_reason_ = stop_reason(reason);
  } else if (!stop_reason_.empty() && usage_.reported) {
    finish(out);
  }
  return {};
}

void ChatBackendCodec::finish(std::string& out) {
  finished_ = true;
  close_block(out);
  append_event(out, {{"type", "message_delta"},
                     {"delta", {{"stop_reason", stop_reason_}, {"stop_sequence", nullptr}}},
                     {"usage", usage_object(usage_)}});
  append_event(out, {{"type", "message_stop"}});
}

Status ChatBackendCodec::end(std::string& out) {
  if (finished_) return {};
  if (stop_reason_.empty()) return data_loss("the backend's stream ended before a finish_reason");
  finish(out);
  return {};
}

}  // namespace nacelle::provider::messages
