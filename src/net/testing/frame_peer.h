// frame_peer.h: HTTP/2 frames over a blocking socket, for tests of the other side.
//
// It keeps no rules: every frame is what the test says. Header blocks are written as literals
// without compression, and read with nghttp2's decoder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "net/testing/raw_client.h"

namespace nacelle::net::testing {

using FieldList = std::vector<std::pair<std::string, std::string>>;

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  FieldList fields;  // of HEADERS

  [[nodiscard]] bool end_stream() const { return (flags & NGHTTP2_FLAG_END_STREAM) != 0; }
  // The error code of RST_STREAM or GOAWAY.
  [[nodiscard]] std::uint32_t code() const;
  [[nodiscard]] std::uint32_t last_stream() const;  // of GOAWAY
};

[[nodiscard]] std::string frame_bytes(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                                      std::string_view payload);
// Literal fields without indexing, plain strings.
[[nodiscard]] std::string header_block(const FieldList& fields);
[[nodiscard]] std::string number32(std::uint32_t value);  // big endian

// A client that speaks to a server under test.
class FramePeer {
 public:
  // Sends the preface and `settings` (id, value).
  explicit FramePeer(std::uint16_t port,
                     const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {},
                     int receive_buffer_bytes = 0);
  ~FramePeer();

  bool send(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
            std::string_view payload = {});
  bool send_raw(std::string_view bytes) { return socket_.send(bytes); }
  bool headers(std::uint32_t stream, const FieldList& fields, bool end_stream = true);
  bool data(std::uint32_t stream, std::string_view bytes, bool end_stream = false);
  bool window(std::uint32_t stream, std::uint32_t increment);

  // The next frame; nullopt when the server closed. SETTINGS are acknowledged on the way.
  std::optional<Frame> next();
  // Skips to the next frame of that type (and stream, when given).
  std::optional<Frame> next(std::uint8_t type, std::optional<std::uint32_t> stream = {});
  // A whole response of one stream; window updates are sent as needed.
  struct Response {
    FieldList fields, trailers;
    std::string body;
    std::optional<std::uint32_t> reset;
    std::optional<std::uint32_t> goaway;
    bool complete = false;
    [[nodiscard]] std::string field(std::string_view name) const;
  };
  Response response(std::uint32_t stream);
  // get + response.
  Response get(std::uint32_t stream, std::string path = "/");

  [[nodiscard]] RawClient& socket() { return socket_; }

 private:
  FieldList decode(std::string_view block);

  RawClient socket_;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

[[nodiscard]] FieldList request_fields(std::string method = "GET", std::string path = "/");

}  // namespace nacelle::net::testing
