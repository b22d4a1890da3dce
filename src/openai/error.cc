#include "openai/error.h"

#include "base/utf8.h"
#include "openai/json_writer.h"

namespace nacelle::openai {

Error body_error(std::string message, std::optional<std::string> param) {
  return {400, "Bad Request", std::move(message), std::move(param)};
}

Error value_error(std::string message, std::optional<std::string> param) {
  return {400, "BadRequestError", std::move(message), std::move(param)};
}

Error typed_value_error(std::string message, std::string param, std::string_view value) {
  message += fmt::format(" (parameter={}, value={})", param, value);
  return value_error(std::move(message), std::move(param));
}

std::string excerpt(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  text = text.substr(0, max_bytes);
  return fmt::format("{}...", text.substr(0, complete_utf8_prefix(text)));
}

Error model_not_found(std::string_view model) {
  return {404, "NotFoundError", fmt::format("The model `{}` does not exist.", excerpt(model)),
          "model"};
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Request Entity Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Error";
  }
}

Error http_error(int status, std::string message) {
  std::string phrase(status_phrase(status));
  if (message.empty()) message = phrase;
  return {status, std::move(phrase), std::move(message), std::nullopt};
}

Error from_status(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return value_error(status.message());
    case Code::kNotFound:
      return {404, "NotFoundError", status.message()};
    case Code::kUnauthenticated:
      return {401, "AuthenticationError", status.message()};
    case Code::kPermissionDenied:
      return {403, "PermissionDeniedError", status.message()};
    case Code::kUnimplemented:
      return {501, "NotImplementedError", status.message()};
    case Code::kCancelled:
    case Code::kResourceExhausted:
    case Code::kUnavailable:
      return {503, "ServiceUnavailableError", status.message()};
    case Code::kDeadlineExceeded:
      return {504, "GatewayTimeoutError", status.message()};
    case Code::kOk:
    case Code::kDataLoss:
    case Code::kInternal:
      break;
  }
  return {500, "InternalServerError", status.message()};
}

std::string to_json(const Error& error) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("error").begin_object();
  json.key("message").string(error.message);
  json.key("type").string(error.type);
  json.key("param");
  if (error.param) {
    json.string(*error.param);
  } else {
    json.null();
  }
  json.key("code").integer(error.status);
  json.end_object();
  json.end_object();
  return out;
}

}  // namespace nacelle::openai
