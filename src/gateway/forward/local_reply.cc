#include "gateway/forward/local_reply.h"

#include <nlohmann/json.hpp>

#include "openai/error.h"

namespace nacelle::gateway {
namespace {

std::string_view anthropic_type(int status) {
  switch (status) {
    case 400:
    case 422:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return "api_error";
  }
}

bool speaks_anthropic(std::string_view path) {
  return path.starts_with("/anthropic/") || path == "/v1/messages" ||
         path.starts_with("/v1/messages/");
}

}  // namespace

std::string error_body(std::string_view path, int status, std::string message) {
  if (speaks_anthropic(path)) {
    const nlohmann::json body = {
        {"type", "error"}, {"error", {{"type", anthropic_type(status)}, {"message", message}}}};
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return openai::to_json(openai::http_error(status, std::move(message)));
}

std::string error_events(std::string_view path, int status, std::string message) {
  const std::string body = error_body(path, status, std::move(message));
  if (speaks_anthropic(path)) return "event: error\ndata: " + body + "\n\n";
  return "data: " + body + "\n\ndata: [DONE]\n\n";
}

net::http::ResponseHead reply_head(const LocalReply& reply) {
  net::http::ResponseHead head;
  head.status = reply.status;
  if (!reply.headers.contains("content-type") && reply.status >= 400)
    head.headers.add("content-type", "application/json");
  for (const auto& field : reply.headers) head.headers.add(field.name, field.value);
  if ((reply.status == 503 || reply.status == 429) && !head.headers.contains("retry-after"))
    head.headers.add("retry-after", "1");
  return head;
}

}  // namespace nacelle::gateway
