// session.h: TLS over one non-blocking socket, without waiting: Stream does the waiting.
//
// Records go to the socket as they are made; what the socket does not take at once is kept here and
// leaves with flush(). write() makes one record at a time and only when nothing is kept, so at most
// one record (16 KiB) and a few control messages wait in this process.
//
// Home:    one loop, that of its Stream. Errors: error() after kBroken.
// Source:  RFC 8446, RFC 5246; OpenSSL 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/gather.h"
#include "net/tls/client_context.h"
#include "net/tls/info.h"
#include "net/tls/server_context.h"

struct ssl_st;
struct bio_st;

namespace nacelle::net {

class TlsSession {
 public:
  enum class Io : std::uint8_t {
    kDone,
    kAgain,   // the socket has no more to give, or takes no more
    kEof,     // the peer said close_notify
    kBroken,  // reset, protocol error, or an end without close_notify (truncation)
  };

  [[nodiscard]] static std::unique_ptr<TlsSession> accept(
      std::shared_ptr<const TlsServerContext> context);
  // `host` is the name or IP literal that the certificate must be for, unless the configuration
  // names another.
  // `alpn`, when given, is the one protocol that is offered, instead of the configuration's list.
  [[nodiscard]] static std::unique_ptr<TlsSession> connect(
      std::shared_ptr<const TlsClientContext> context, const std::string& host,
      std::string_view alpn = {});
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void attach(int fd) { fd_ = fd; }

  // One step; kAgain waits for the peer (or for room, when has_output()).
  Io handshake();
  [[nodiscard]] bool established() const { return established_; }
  // After the handshake.
  [[nodiscard]] const TlsInfo& info() const { return info_; }

  // Decrypts into `room`. kDone with `count` > 0.
  Io read(char* room, std::size_t size, std::size_t& count);
  // True when read() may give something without the socket.
  [[nodiscard]] bool has_input() const;

  // Encrypts the next record of `pieces` and removes it from them. Only when !has_output().
  Io write(Gather& pieces);
  // Sends what is kept.
  Io flush();
  [[nodiscard]] bool has_output() const { return sent_ < output_.size(); }
  // Makes close_notify. Harmless when the session is broken or said it before.
  void say_goodbye();

  // The reason, for logs: "certificate verify failed: certificate has expired".
  [[nodiscard]] const std::string& error() const { return error_; }
  // The peer spoke HTTP without TLS.
  [[nodiscard]] bool was_plaintext() const { return was_plaintext_; }

 private:
  friend struct TlsBio;
  TlsSession() = default;
  Io outcome(int result);
  void learn_info();
  void describe_failure(int ssl_error, int socket_error);

  std::shared_ptr<const TlsServerContext> server_;  // one of the two
  std::shared_ptr<const TlsClientContext> client_;
  ssl_st* ssl_ = nullptr;
  int fd_ = -1;
  int socket_error_ = 0;  // of a read
  int send_error_ = 0;
  std::string output_;  // encrypted; [sent_, end) waits for the socket
  std::size_t sent_ = 0;
  std::string error_;
  TlsInfo info_;
  bool established_ = false;
  bool broken_ = false;
  bool peer_ended_ = false;  // the socket gave its end
  bool was_plaintext_ = false;
};

}  // namespace nacelle::net
