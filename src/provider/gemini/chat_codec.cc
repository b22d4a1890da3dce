#include "provider/gemini/chat_codec.h"

#include <array>

#include "provider/gemini/request_from_chat.h"

namespace nacelle::provider::gemini {

namespace {

using json::Json;

// More candidates than any request may ask for; a stream that names a higher index is broken.
constexpr std::size_t kMaxCandidates = 128;

const Json& parts_of(const Json& candidate) {
  static const Json kNone = Json::array();
  const Json* content = json::object_member(candidate, "content");
  const Json* parts = content == nullptr ? nullptr : json::array_member(*content, "parts");
  return parts == nullptr ? kNone : *parts;
}

std::string arguments_of(const Json& call) {
  const Json* args = json::member(call, "args");
  return args == nullptr ? "{}" : json::dump(*args);
}

}  // namespace

std::string finish_reason(std::string_view reason, bool has_calls) {
  constexpr std::array<std::string_view, 5> kFiltered{"SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT",
                                                      "SPII", "IMAGE_SAFETY"};
  if (reason == "STOP") return has_calls ? "tool_calls" : "stop";
  if (reason == "MAX_TOKENS") return "length";
  for (const std::string_view filtered : kFiltered) {
    if (reason == filtered) return "content_filter";
  }
  std::string out(reason);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

ChatCodec::ChatCodec(Context context)
    : context_(std::move(context)),
      head_{.id = "chatcmpl-" + context_.request_id,
            .model = context_.client_model,
            .created = context_.created},
      writer_(head_) {}

Result<Json> ChatCodec::request(const Json& body, const RequestFacts& facts) {
  if (head_.model.empty()) head_.model = facts.model;
  writer_.set_model(head_.model);
  return request_from_chat(body, facts.model);
}

std::string ChatCodec::next_call_id() {
  return fmt::format("call_{}_{}", context_.request_id, num_ids_++);
}

void ChatCodec::read_head(const Json& upstream) {
  if (std::string id = json::string_member(upstream, "responseId"); !id.empty()) {
    head_.id = std::move(id);
    writer_.set_id(head_.id);
  }
  if (std::string model = json::string_member(upstream, "modelVersion"); !model.empty()) {
    response_model_ = std::move(model);
  }
  if (const Json* usage = json::object_member(upstream, "usageMetadata")) {
    usage_.reported = true;
    usage_.input = json::count_member(*usage, "promptTokenCount") +
                   json::count_member(*usage, "toolUsePromptTokenCount");
    usage_.cached_input = json::count_member(*usage, "cachedContentTokenCount");
    usage_.reasoning = json::count_member(*usage, "thoughtsTokenCount");
    usage_.output = json::count_member(*usage, "candidatesTokenCount") + usage_.reasoning;
  }
}

Result<Json> ChatCodec::answer(const Json& upstream) {
  read_head(upstream);
  std::vector<chat::Choice> choices;
  if (const Json* list = json::array_member(upstream, "candidates")) {
    for (const Json& candidate : *list) {
      chat::Choice choice;
      for (const Json& part : parts_of(candidate)) {
        if (const Json* call = json::object_member(part, "functionCall")) {
          choice.add_tool_call(next_call_id(), json::string_member(*call, "name"),
                               arguments_of(*call));
        } else if (json::bool_member(part, "thought")) {
          choice.reasoning += json::string_member(part, "text");
        } else {
          choice.text += json::string_member(part, "text");
        }
        if (const Json* signature = json::member(part, "thoughtSignature")) {
          choice.thinking_blocks.push_back(
              {{"type", "thinking"}, {"thinking", choice.reasoning}, {"signature", *signature}});
        }
      }
      choice.finish_reason =
          finish_reason(json::string_member(candidate, "finishReason"), !choice.tool_calls.empty());
      choices.push_back(std::move(choice));
    }
  }
  if (choices.empty()) {
    if (json::object_member(upstream, "promptFeedback") == nullptr) {
      return data_loss("the backend's answer has no candidates");
    }
    choices.push_back({.finish_reason = "content_filter"});
  }
  return chat::completion(head_, choices, usage_);
}

void ChatCodec::stream_part(const Json& part, std::size_t index, Candidate& candidate,
                            std::string& out) {
  if (const Json* call = json::object_member(part, "functionCall")) {
    writer_.tool_call(out, candidate.num_calls++, next_call_id(),
                      json::string_member(*call, "name"), arguments_of(*call), index);
  } else {
    const std::string text = json::string_member(part, "text");
    if (json::bool_member(part, "thought")) {
      writer_.reasoning(out, text, index);
    } else if (!text.empty()) {
      writer_.text(out, text, index);
    }
  }
  if (const Json* signature = json::member(part, "thoughtSignature")) {
    Json block{{"type", "thinking"}, {"signature", *signature}};
    writer_.delta(out, {{"thinking_blocks", Json::array({std::move(block)})}}, index);
  }
}

Status ChatCodec::event(std::string_view, std::string_view data, std::string& out) {
  ASSIGN_OR_RETURN(const Json event, json::parse_object(data));
  if (const Json* error = json::object_member(event, "error")) {
    return unavailable("the backend ended the stream with an error: {}",
                       json::string_member(*error, "message"));
  }
  read_head(event);
  const Json* list = json::array_member(event, "candidates");
  if (list == nullptr) {
    if (json::object_member(event, "promptFeedback") != nullptr && !blocked_) {
      blocked_ = true;
      writer_.text(out, "");
      writer_.finish(out, "content_filter");
    }
    return {};
  }
  for (const Json& item : *list) {
    const std::size_t index = json::count_member(item, "index");
    if (index >= kMaxCandidates) return data_loss("candidate {} is beyond any request", index);
    if (index >= candidates_.size()) candidates_.resize(index + 1);
    Candidate& candidate = candidates_[index];
    if (candidate.finished) continue;
    for (const Json& part : parts_of(item)) stream_part(part, index, candidate, out);
    const std::string reason = json::string_member(item, "finishReason");
    if (reason.empty()) continue;
    candidate.finished = true;
    writer_.finish(out, finish_reason(reason, candidate.num_calls > 0), index);
  }
  return {};
}

Status ChatCodec::end(std::string& out) {
  bool finished = blocked_ || !candidates_.empty();
  for (const Candidate& candidate : candidates_) finished = finished && candidate.finished;
  if (!finished) return data_loss("the backend's stream ended before a finishReason");
  writer_.usage_and_done(out, usage_);
  return {};
}

}  // namespace nacelle::provider::gemini
