// raw_client.h: a blocking socket for tests that care about bytes and about how a connection ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nacelle::net::testing {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the peer no longer takes bytes.
  bool send(std::string_view bytes);
  // Everything until the peer closes (or resets: see was_reset()).
  std::string read_to_end();
  // At least until `mark` was received; "" when the peer closed before.
  std::string read_until(std::string_view mark);
  // That many bytes; fewer when the peer closed before.
  std::string read_exactly(std::size_t size);
  // One response with Content-Length or chunked framing; head and raw body.
  std::string read_response();

  void shutdown_send();
  void close();
  // Closes with RST instead of FIN.
  void reset();

  [[nodiscard]] bool was_reset() const { return was_reset_; }

 private:
  bool read_some();

  int fd_ = -1;
  std::string unread_;
  bool was_reset_ = false;
};

}  // namespace nacelle::net::testing
