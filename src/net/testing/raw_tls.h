// raw_tls.h: a blocking TLS client that is not ours (plain OpenSSL), for tests that care how a
// handshake or a connection ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls/make_certificate.h"

struct ssl_ctx_st;
struct ssl_st;

namespace nacelle::net::testing {

struct RawTlsOptions {
  std::string server_name;
  std::vector<std::string> alpn;
  int version = 0;  // TLS1_2_VERSION, TLS1_3_VERSION; 0 = any
  const CertifiedKey* certificate = nullptr;
};

class RawTlsClient {
 public:
  // Connects and shakes hands; see connected(). Offers the session of `earlier` when given.
  RawTlsClient(std::uint16_t port, const RawTlsOptions& options,
               const RawTlsClient* earlier = nullptr);
  ~RawTlsClient();
  RawTlsClient(const RawTlsClient&) = delete;
  RawTlsClient& operator=(const RawTlsClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] std::string version() const;
  [[nodiscard]] std::string alpn() const;
  [[nodiscard]] std::string certificate_name() const;  // common name of the server's
  [[nodiscard]] bool resumed() const;
  bool send(std::string_view bytes);
  std::string read_until(std::string_view mark);
  std::string read_to_end();
  // After read_to_end(): the peer said close_notify.
  [[nodiscard]] bool ended_properly() const { return ended_properly_; }
  // Asks for a new handshake within TLS 1.2; false when the server refused.
  bool renegotiate();
  void say_goodbye();
  void shutdown_send();  // ends our side of TCP without close_notify
  void cut();            // closes TCP without close_notify

 private:
  bool read_some();

  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  int fd_ = -1;
  std::string unread_;
  bool connected_ = false;
  bool ended_properly_ = false;
};

}  // namespace nacelle::net::testing
