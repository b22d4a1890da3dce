// serialize.h: heads as HTTP/1.1 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http/message.h"
#include "net/http1/head_parser.h"

namespace nacelle::net::http1 {

struct ResponseFraming {
  BodyFraming body;                // which framing header to write
  bool send_length = true;         // false for statuses that must not have Content-Length
  bool close = false;              // write Connection: close
  bool keep_alive_http10 = false;  // write Connection: keep-alive
  std::string_view date;           // an IMF-fixdate; "" = none
  std::string_view server;         // "" = none
};

// Appends the head. The head's own Content-Length, Transfer-Encoding, Connection and Keep-Alive are
// left out: framing is decided here. Errors: invalid_argument for names or values that cannot be
// sent.
Status append_response_head(std::string& out, const http::ResponseHead& head,
                            const ResponseFraming& framing);

// Appends the head of a request whose body has `content_length` bytes. Host is added from
// `host_port` when missing. Same errors; also for a method or target that cannot be sent.
Status append_request_head(std::string& out, const http::RequestHead& head,
                           std::string_view host_port, std::optional<std::uint64_t> content_length);

}  // namespace nacelle::net::http1
