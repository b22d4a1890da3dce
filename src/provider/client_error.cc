#include "provider/client_error.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "openai/json_writer.h"
#include "provider/json/json.h"

namespace nacelle::provider {

namespace {

using json::Json;

constexpr std::array<std::pair<int, std::string_view>, 9> kAnthropicTypes{{
    {400, "invalid_request_error"},
    {401, "authentication_error"},
    {403, "permission_error"},
    {404, "not_found_error"},
    {413, "request_too_large"},
    {429, "rate_limit_error"},
    {500, "internal_server_error"},
    {503, "service_unavailable_error"},
    {529, "overloaded_error"},
}};

std::string_view gateway_error_type(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 413:
      return "PayloadTooLarge";
    case 422:
      return "UnprocessableEntity";
    case 429:
      return "TooManyRequests";
    case 502:
      return "BadGateway";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "GatewayTimeout";
    default:
      return "InternalServerError";
  }
}

std::string_view wrapper_type(Schema schema) {
  switch (schema) {
    case Schema::kOpenAi:
    case Schema::kAzureOpenAi:
      return "OpenAIBackendError";
    case Schema::kAwsBedrock:
    case Schema::kAwsAnthropic:
      return "AWSBedrockBackendError";
    case Schema::kGcpVertexAi:
    case Schema::kGcpAnthropic:
      return "GCPVertexAIBackendError";
    case Schema::kAnthropic:
      return "AnthropicBackendError";
    case Schema::kCohere:
      return "CohereBackendError";
  }
  return "BackendError";
}

struct Reason {
  std::string type;
  std::string message;
};

// Google: {"error":{"code","message","status","details"}}, also as the first entry of a list.
Reason google_reason(const Json& body, std::string_view raw) {
  const Json& object = body.is_array() && !body.empty() ? body.front() : body;
  const Json* error = json::object_member(object, "error");
  if (error == nullptr) return {"GCPVertexAIBackendError", std::string(raw)};
  Reason out{json::string_member(*error, "status"), json::string_member(*error, "message")};
  if (out.type.empty()) out.type = "GCPVertexAIBackendError";
  if (const Json* details = json::member(*error, "details")) {
    out.message = fmt::format("Error: {}\nDetails: {}", out.message, json::dump(*details));
  }
  return out;
}

Reason reason_of(Schema schema, std::string_view raw, std::string_view error_type) {
  Reason fallback{std::string(wrapper_type(schema)), sanitize_utf8(raw)};
  if (!error_type.empty()) fallback.type = std::string(error_type.substr(0, error_type.find(':')));
  const auto body = json::parse(raw);
  if (!body) return fallback;
  if (schema == Schema::kGcpVertexAi || (schema == Schema::kGcpAnthropic && body->is_array())) {
    return google_reason(*body, fallback.message);
  }
  // OpenAI and Anthropic nest it under "error"; AWS has it at the top.
  const Json* error = json::object_member(*body, "error");
  const Json& from = error != nullptr ? *error : *body;
  std::string message = json::string_member(from, "message");
  if (message.empty()) message = json::string_member(from, "Message");
  if (!message.empty()) fallback.message = std::move(message);
  const std::string type = json::string_member(from, error != nullptr ? "type" : "__type");
  if (error_type.empty() && !type.empty()) fallback.type = type;
  return fallback;
}

}  // namespace

int http_status(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnimplemented:
      return 422;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kResourceExhausted:
      return 429;
    case Code::kDataLoss:
      return 502;
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string_view anthropic_error_type(int status) {
  for (const auto& [known, type] : kAnthropicTypes) {
    if (known == status) return type;
  }
  return status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
}

std::string wrapped_error(std::string_view type, int status, std::string_view message) {
  std::string out;
  openai::JsonWriter writer(out);
  writer.begin_object().key("type").string("error").key("error").begin_object();
  writer.key("type").string(type).key("code").string(std::to_string(status));
  writer.key("message").string(message).end_object().end_object();
  return out;
}

std::string anthropic_error(std::string_view type, std::string_view message) {
  std::string out;
  openai::JsonWriter writer(out);
  writer.begin_object().key("type").string("error").key("error").begin_object();
  writer.key("type").string(type).key("message").string(message).end_object().end_object();
  return out;
}

std::string gateway_error(Dialect dialect, int status, std::string_view message) {
  if (dialect == Dialect::kAnthropic) return anthropic_error(anthropic_error_type(status), message);
  return wrapped_error(gateway_error_type(status), status, message);
}

std::string translate_error(Dialect dialect, Schema schema, int status, std::string_view body,
                            std::string_view error_type) {
  const bool openai_backend = schema == Schema::kOpenAi || schema == Schema::kAzureOpenAi;
  const bool anthropic_backend = schema == Schema::kAnthropic;
  const bool same = (dialect == Dialect::kOpenAi && openai_backend) ||
                    (dialect == Dialect::kAnthropic && anthropic_backend) ||
                    dialect == Dialect::kCohere;
  if (same && json::parse_object(body).ok()) return std::string(body);
  const Reason reason = reason_of(schema, body, error_type);
  if (dialect == Dialect::kAnthropic) {
    return anthropic_error(anthropic_error_type(status), reason.message);
  }
  return wrapped_error(reason.type, status, reason.message);
}

std::string stream_error(Dialect dialect, int status, std::string_view message) {
  const std::string body = gateway_error(dialect, status, message);
  if (dialect == Dialect::kAnthropic) return fmt::format("event: error\ndata: {}\n\n", body);
  return fmt::format("data: {}\n\ndata: [DONE]\n\n", body);
}

}  // namespace nacelle::provider
