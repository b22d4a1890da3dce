#include "openai/logprobs.h"

namespace nacelle::openai {
namespace {

void write_members(JsonWriter& json, const ChatLogprob& entry) {
  json.key("token").string(entry.token);
  json.key("logprob").logprob(entry.logprob);
  json.key("bytes").begin_array();
  for (const char byte : entry.bytes) json.integer(static_cast<unsigned char>(byte));
  json.end_array();
}

}  // namespace

void write_logprobs(JsonWriter& json, const ChatLogprobs& logprobs) {
  json.begin_object();
  json.key("content").begin_array();
  for (const ChatTokenLogprob& position : logprobs) {
    json.begin_object();
    write_members(json, position.sampled);
    json.key("top_logprobs").begin_array();
    for (const ChatLogprob& entry : position.top) {
      json.begin_object();
      write_members(json, entry);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_logprobs(JsonWriter& json, const CompletionLogprobs& logprobs) {
  json.begin_object();
  json.key("text_offset").begin_array();
  for (const std::int64_t offset : logprobs.text_offset) json.integer(offset);
  json.end_array();
  json.key("token_logprobs").begin_array();
  for (const auto& value : logprobs.token_logprobs) {
    if (value) {
      json.logprob(*value);
    } else {
      json.null();
    }
  }
  json.end_array();
  json.key("tokens").begin_array();
  for (const std::string& token : logprobs.tokens) json.string(token);
  json.end_array();
  json.key("top_logprobs").begin_array();
  for (const auto& alternatives : logprobs.top_logprobs) {
    if (!alternatives) {
      json.null();
      continue;
    }
    json.begin_object();
    for (const auto& [token, value] : *alternatives) json.key(token).logprob(value);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_logprobs(JsonWriter& json, const PromptLogprobs& logprobs) {
  json.begin_array();
  for (const auto& position : logprobs) {
    if (position.empty()) {
      json.null();
      continue;
    }
    json.begin_object();
    for (const RankedLogprob& entry : position) {
      json.key(std::to_string(entry.token)).begin_object();
      json.key("logprob").logprob(entry.logprob);
      json.key("rank").integer(entry.rank);
      json.key("decoded_token").string(entry.decoded_token);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
}

}  // namespace nacelle::openai
