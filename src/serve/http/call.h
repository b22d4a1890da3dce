// call.h: one HTTP request under way, with what every answer of this server has in common.
//
// Home:    the connection's loop; lives in the handler's frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "net/http/server_exchange.h"
#include "openai/error.h"
#include "serve/server_config.h"

namespace nacelle::serve {

class Call {
 public:
  // Both must outlive the call.
  Call(net::http::ServerExchange& exchange, const ServerConfig& config);

  [[nodiscard]] net::http::ServerExchange& exchange() { return exchange_; }
  [[nodiscard]] const net::http::RequestHead& request() const { return exchange_.request(); }
  [[nodiscard]] std::string_view header(std::string_view name) const {
    return request().headers.get(name);
  }

  // The X-Request-Id of the client when it is one that may be echoed, "" otherwise.
  [[nodiscard]] const std::string& client_request_id() const { return client_request_id_; }

  // A header of the answer, besides those that all answers have.
  void add_header(std::string_view name, std::string_view value) { headers_.set(name, value); }

  // The whole body of a POST with JSON. Errors: wrong content type, too large, broken.
  [[nodiscard]] async::Task<openai::Parsed<std::string>> read_json_body();

  async::Task<void> reply(int status, std::string content_type, std::string body);
  async::Task<void> reply_json(std::string body) { return reply(200, kJson, std::move(body)); }
  async::Task<void> reply_error(openai::Error error);

  // Begins a stream of server-sent events.
  [[nodiscard]] async::Task<Status> start_events();

  // The status that was sent; 0 before.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] TimePoint arrival() const { return arrival_; }

  static constexpr const char* kJson = "application/json";

 private:
  [[nodiscard]] net::http::ResponseHead make_head(int status, std::string_view content_type);

  net::http::ServerExchange& exchange_;
  const ServerConfig& config_;
  TimePoint arrival_;
  net::http::Headers headers_;
  std::string client_request_id_;
  int status_ = 0;
};

[[nodiscard]] std::int64_t unix_seconds();

// 32 random hexadecimal digits.
[[nodiscard]] std::string random_hex_id();

}  // namespace nacelle::serve
