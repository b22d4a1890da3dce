#include "serve/http/call.h"

#include <algorithm>
#include <random>

#include "openai/answer.h"
#include "serve/http/cors.h"

namespace nacelle::serve {
namespace {

constexpr std::size_t kMaxRequestIdBytes = 256;

// Ids end up in JSON and in headers: printable ASCII only.
std::string acceptable_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxRequestIdBytes) return {};
  const bool printable =
      std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return printable ? std::string(id) : std::string();
}

bool is_json_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return net::http::equals_ignore_case(content_type, "application/json");
}

}  // namespace

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string random_hex_id() {
  static thread_local std::mt19937_64 random{
      (static_cast<std::uint64_t>(std::random_device{}()) << 32) ^ std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

Call::Call(net::http::ServerExchange& exchange, const ServerConfig& config)
    : exchange_(exchange),
      config_(config),
      arrival_(std::chrono::steady_clock::now()),
      client_request_id_(acceptable_id(header("x-request-id"))) {
  add_cors_headers(request(), config_.cors, headers_);
  if (config_.enable_request_id_headers) {
    headers_.set("X-Request-Id", client_request_id_.empty() ? random_hex_id() : client_request_id_);
  }
}

async::Task<openai::Parsed<std::string>> Call::read_json_body() {
  if (!is_json_type(header("content-type"))) {
    co_return openai::body_error("Unsupported Media Type: Only 'application/json' is allowed");
  }
  Result<std::string> body = co_await exchange_.read_body(config_.max_body_bytes);
  if (body.ok()) co_return std::move(body).value();
  switch (body.error().code()) {
    case Code::kOutOfRange:
      co_return openai::http_error(
          413, fmt::format("The request body is larger than {} bytes.", config_.max_body_bytes));
    case Code::kDeadlineExceeded:
      co_return openai::http_error(408, "The request body did not arrive in time.");
    default:
      co_return openai::body_error(body.error().message());
  }
}

net::http::ResponseHead Call::make_head(int status, std::string_view content_type) {
  net::http::ResponseHead head;
  head.status = status;
  head.headers = headers_;
  if (!content_type.empty()) head.headers.set("content-type", content_type);
  return head;
}

async::Task<void> Call::reply(int status, std::string content_type, std::string body) {
  status_ = status;
  const net::http::ResponseHead head = make_head(status, content_type);
  // A client that left does not need the answer, and the connection knows.
  (void)co_await exchange_.respond(head, body);
}

async::Task<void> Call::reply_error(openai::Error error) {
  if (error.status == 503) add_header("retry-after", std::to_string(config_.retry_after.count()));
  std::string body = openai::to_json(error);
  return reply(error.status, kJson, std::move(body));
}

async::Task<Status> Call::start_events() {
  status_ = 200;
  net::http::ResponseHead head = make_head(200, openai::kEventStreamType);
  head.headers.set("cache-control", "no-cache");
  Status started = co_await exchange_.start(head);
  co_return started;
}

}  // namespace nacelle::serve
