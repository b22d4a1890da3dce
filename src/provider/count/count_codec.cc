#include "provider/count/count_codec.h"

#include <initializer_list>

#include "base/base64.h"
#include "provider/anthropic/relay_codec.h"
#include "provider/anthropic/request_from_chat.h"
#include "provider/bedrock/request_from_chat.h"
#include "provider/gemini/request_from_chat.h"
#include "provider/messages/request_to_chat.h"

namespace nacelle::provider::count {

namespace {

using json::Json;

// Counters refuse members that they do not know, as those that only generation needs.
Json only(const Json& body, std::initializer_list<const char*> names) {
  Json out = Json::object();
  for (const char* name : names) json::copy_member(body, name, out, name);
  return out;
}

// vLLM's two forms: `messages`, or `prompt`, which becomes a message of the user.
Result<Json> chat_of_tokenize(const Json& body, const RequestFacts& facts) {
  if (json::bool_member(body, "return_token_strs")) {
    return unimplemented("return_token_strs: this backend tells the number of tokens only");
  }
  if (json::member(body, "messages") != nullptr) return body;
  const Json* prompt = json::member(body, "prompt");
  if (prompt == nullptr) return invalid_argument("expected `prompt` or `messages`");
  if (!prompt->is_string()) return invalid_argument("prompt: expected a string");
  return Json{{"model", facts.model},
              {"messages", Json::array({{{"role", "user"}, {"content", *prompt}}})}};
}

const char* count_member_of(Schema schema) {
  switch (schema) {
    case Schema::kAwsBedrock:
    case Schema::kAwsAnthropic:
      return "inputTokens";
    case Schema::kGcpVertexAi:
      return "totalTokens";
    case Schema::kOpenAi:
      return "count";
    default:
      return "input_tokens";
  }
}

}  // namespace

CountCodec::CountCodec(Endpoint endpoint, Backend backend, Context context)
    : endpoint_(endpoint), backend_(std::move(backend)), context_(std::move(context)) {}

Result<Json> CountCodec::chat_body(const Json& body, const RequestFacts& facts) const {
  if (endpoint_ == Endpoint::kTokenize) return chat_of_tokenize(body, facts);
  return messages::request_to_chat(body, facts);
}

// A client of the messages API keeps its own words, as its request will.
Result<Json> CountCodec::messages_body(const Json& body, const RequestFacts& facts) const {
  if (endpoint_ == Endpoint::kCountTokens) {
    if (json::array_member(body, "messages") == nullptr) {
      return invalid_argument("messages: expected a list");
    }
    return body;
  }
  ASSIGN_OR_RETURN(const Json chat, chat_of_tokenize(body, facts));
  ASSIGN_OR_RETURN(const Json out, anthropic::request_from_chat(chat, facts, backend_));
  return only(out, {"system", "messages", "tools", "tool_choice", "thinking"});
}

Result<Json> CountCodec::request(const Json& body, const RequestFacts& facts) {
  response_model_ = facts.model;
  if (backend_.schema == Schema::kOpenAi) {
    ASSIGN_OR_RETURN(const Json chat, chat_body(body, facts));
    return only(chat, {"model", "messages", "tools"});
  }
  if (backend_.schema == Schema::kAwsBedrock) {
    ASSIGN_OR_RETURN(const Json chat, chat_body(body, facts));
    ASSIGN_OR_RETURN(const Json converse, bedrock::request_from_chat(chat));
    return Json{{"input",
                 {{"converse", only(converse, {"messages", "system", "toolConfig",
                                               "additionalModelRequestFields"})}}}};
  }
  if (backend_.schema == Schema::kGcpVertexAi) {
    ASSIGN_OR_RETURN(const Json chat, chat_body(body, facts));
    ASSIGN_OR_RETURN(const Json generate, gemini::request_from_chat(chat, facts.model));
    return only(generate, {"contents", "systemInstruction", "tools", "generationConfig"});
  }

  ASSIGN_OR_RETURN(Json out, messages_body(body, facts));
  anthropic::address_body(out, facts, backend_);
  if (backend_.schema == Schema::kGcpAnthropic) out["model"] = facts.model;
  if (backend_.schema != Schema::kAwsAnthropic) return out;
  // It counts a whole request, and a request must bound its answer.
  if (json::count_member(out, "max_tokens") == 0) out["max_tokens"] = 1;
  Json betas = anthropic::aws_betas(context_.anthropic_beta);
  if (!betas.empty()) out["anthropic_beta"] = std::move(betas);
  return Json{{"input", {{"invokeModel", {{"body", encode_base64(json::dump(out))}}}}}};
}

Result<Json> CountCodec::answer(const Json& upstream) {
  const char* member = count_member_of(backend_.schema);
  const auto count = json::integer_member(upstream, member);
  if (!count || *count < 0) return data_loss("the backend's answer has no {}", member);
  return Json{{endpoint_ == Endpoint::kTokenize ? "count" : "input_tokens", *count}};
}

Status CountCodec::event(std::string_view, std::string_view, std::string&) {
  return data_loss("the backend answered a count with a stream");
}

Status CountCodec::end(std::string&) { return {}; }

}  // namespace nacelle::provider::count
