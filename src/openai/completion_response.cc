#include "openai/completion_response.h"

namespace nacelle::openai {
namespace {

void write_head(JsonWriter& json, const AnswerHead& head) {
  json.key("id").string(head.id);
  json.key("object").string("text_completion");
  json.key("created").integer(head.created);
  json.key("model").string(head.model);
  json.key("choices");
}

void write_common(JsonWriter& json, const CompletionChoice& choice) {
  json.key("index").integer(choice.index);
  json.key("text").string(choice.text);
  json.key("logprobs");
  if (choice.logprobs) {
    write_logprobs(json, *choice.logprobs);
  } else {
    json.null();
  }
  json.key("finish_reason");
  write_optional_string(json, choice.finish_reason);
  json.key("stop_reason");
  write_stop_reason(json, choice.stop_reason);
}

void write_choice(JsonWriter& json, const CompletionChoice& choice) {
  json.begin_object();
  write_common(json, choice);
  json.key("token_ids");
  write_token_ids(json, choice.token_ids);
  json.key("prompt_logprobs");
  if (choice.prompt_logprobs) {
    write_logprobs(json, *choice.prompt_logprobs);
  } else {
    json.null();
  }
  json.key("prompt_token_ids");
  write_token_ids(json, choice.prompt_token_ids);
  json.end_object();
}

}  // namespace

std::string to_json(const CompletionResponse& response) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_head(json, response.head);
  json.begin_array();
  for (const CompletionChoice& choice : response.choices) write_choice(json, choice);
  json.end_array();
  json.key("service_tier").null();
  json.key("system_fingerprint");
  write_optional_string(json, response.head.system_fingerprint);
  json.key("usage");
  write_usage(json, response.usage, UsageForm::kWithNulls);
  json.key("kv_transfer_params").null();
  json.end_object();
  return out;
}

CompletionChunkWriter::CompletionChunkWriter(const AnswerHead& head)
    : fingerprint_(head.system_fingerprint) {
  prefix_ = "data: ";
  JsonWriter json(prefix_);
  json.begin_object();
  write_head(json, head);
}

void CompletionChunkWriter::append_choice(std::string& out, const CompletionChoice& choice,
                                          const Usage* usage, bool with_fingerprint) const {
  out += prefix_;
  JsonWriter json(out);
  json.begin_array();
  json.begin_object();
  write_common(json, choice);
  json.key("prompt_token_ids");
  write_token_ids(json, choice.prompt_token_ids);
  json.key("token_ids");
  write_token_ids(json, choice.token_ids);
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

void CompletionChunkWriter::append_usage(std::string& out, const Usage& usage) const {
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
