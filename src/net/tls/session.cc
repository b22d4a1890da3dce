#include "net/tls/session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "base/check.h"
#include "net/tls/context_impl.h"
#include "net/tls/peer_certificate.h"

namespace nacelle::net {

namespace {

// Beyond this much that the peer does not take while it asks for more (key updates, a handshake
// whose flights it never reads) the session is broken.
constexpr std::size_t kMaxKept = 256 * 1024;
constexpr std::size_t kRecord = 16 * 1024;

}  // namespace

// The socket as OpenSSL sees it. Reads go through; writes go through until the socket is full and
// are kept from then on, so a record that was made is never lost or made twice. A socket that takes
// no more is told by flush(), not here: the peer's last words (an alert, an early answer) are read
// after that.
struct TlsBio {
  static int read(BIO* bio, char* room, int size) {
    BIO_clear_retry_flags(bio);
    auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
    for (;;) {
      const ssize_t got = ::recv(session->fd_, room, static_cast<std::size_t>(size), MSG_DONTWAIT);
      if (got > 0) return static_cast<int>(got);
      if (got == 0) {
        session->peer_ended_ = true;
        return 0;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        BIO_set_retry_read(bio);
      } else {
        session->socket_error_ = errno;
      }
      return -1;
    }
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
    const auto total = static_cast<std::size_t>(size);
    std::size_t taken = 0;
    if (!session->has_output()) {
      while (taken < total) {
        const ssize_t sent =
            ::send(session->fd_, data + taken, total - taken, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
          taken += static_cast<std::size_t>(sent);
          continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        session->send_error_ = errno;
        break;
      }
    }
    if (taken == total || session->send_error_ != 0) return size;
    if (session->output_.size() - session->sent_ + total - taken > kMaxKept) {
      session->send_error_ = ENOBUFS;
      return size;
    }
    session->output_.erase(0, std::exchange(session->sent_, 0));
    session->output_.append(data + taken, total - taken);
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    const auto* session = static_cast<const TlsSession*>(BIO_get_data(bio));
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF:
        return session->peer_ended_ ? 1 : 0;
      default:
        return 0;
    }
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static BIO* make(TlsSession* session) {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nacelle stream");
      CHECK(made != nullptr);
      BIO_meth_set_read(made, &TlsBio::read);
      BIO_meth_set_write(made, &TlsBio::write);
      BIO_meth_set_ctrl(made, &TlsBio::control);
      BIO_meth_set_create(made, &TlsBio::create);
      return made;
    }();
    BIO* bio = BIO_new(method);
    CHECK(bio != nullptr);
    BIO_set_data(bio, session);
    return bio;
  }
};

std::unique_ptr<TlsSession> TlsSession::accept(std::shared_ptr<const TlsServerContext> context) {
  std::unique_ptr<TlsSession> session(new TlsSession());
  session->ssl_ = SSL_new(context->impl().fallback());
  CHECK(session->ssl_ != nullptr);
  session->server_ = std::move(context);
  BIO* bio = TlsBio::make(session.get());
  SSL_set_bio(session->ssl_, bio, bio);
  SSL_set_accept_state(session->ssl_);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::connect(std::shared_ptr<const TlsClientContext> context,
                                                const std::string& host, std::string_view alpn) {
  std::unique_ptr<TlsSession> session(new TlsSession());
  SSL* ssl = SSL_new(context->impl().context.get());
  CHECK(ssl != nullptr);
  session->ssl_ = ssl;
  const std::string& name =
      context->config().server_name.empty() ? host : context->config().server_name;
  boost::system::error_code not_an_address;
  (void)boost::asio::ip::make_address(name, not_an_address);
  if (not_an_address) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, name.c_str());
    SSL_set_tlsext_host_name(ssl, name.c_str());
  } else {
    // RFC 6066 section 3: an address is never sent as SNI.
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  }
  if (!alpn.empty()) {
    std::string wire(1, static_cast<char>(alpn.size()));
    wire.append(alpn);
    CHECK(SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(wire.data()),
                              static_cast<unsigned>(wire.size())) == 0);
  }
  session->client_ = std::move(context);
  BIO* bio = TlsBio::make(session.get());
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  return session;
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

TlsSession::Io TlsSession::handshake() {
  if (broken_) return Io::kBroken;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return outcome(result);
  established_ = true;
  learn_info();
  return Io::kDone;
}

TlsSession::Io TlsSession::read(char* room, std::size_t size, std::size_t& count) {
  count = 0;
  if (broken_) return Io::kBroken;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_, room, size, &count);
  return result == 1 ? Io::kDone : outcome(result);
}

bool TlsSession::has_input() const { return SSL_has_pending(ssl_) == 1; }

TlsSession::Io TlsSession::write(Gather& pieces) {
  if (broken_) return Io::kBroken;
  const char* data = static_cast<const char*>(pieces.data()->iov_base);
  std::size_t size = std::min(pieces.data()->iov_len, kRecord);
  // Small pieces (a head, a chunk's frame) share a record: each record costs 22 bytes or more and a
  // system call.
  thread_local char joined[kRecord];
  if (size < kRecord && pieces.count() > 1) {
    size = 0;
    for (std::size_t i = 0; i < pieces.count() && size < kRecord; ++i) {
      const iovec& piece = pieces.data()[i];
      const std::size_t part = std::min(piece.iov_len, kRecord - size);
      std::memcpy(joined + size, piece.iov_base, part);
      size += part;
    }
    data = joined;
  }
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_, data, size, &written);
  if (result == 1) {
    pieces.consume(written);
    return Io::kDone;
  }
  // Sending never asks for a retry and nothing renegotiates: whatever this is, it is final.
  const Io io = outcome(result);
  if (io == Io::kAgain) describe_failure(SSL_ERROR_SSL, 0);
  return Io::kBroken;
}

TlsSession::Io TlsSession::flush() {
  while (has_output()) {
    const ssize_t sent =
        ::send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Io::kAgain;
    send_error_ = errno;
    break;
  }
  if (sent_ > 0) {
    std::string().swap(output_);  // a record's memory goes with the stall
    sent_ = 0;
  }
  if (send_error_ != 0) {
    output_.clear();
    if (error_.empty()) error_ = std::strerror(send_error_);
    return Io::kBroken;
  }
  return broken_ ? Io::kBroken : Io::kDone;
}

void TlsSession::say_goodbye() {
  if (!established_ || broken_ || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_);
  ERR_clear_error();
}

TlsSession::Io TlsSession::outcome(int result) {
  const int error = SSL_get_error(ssl_, result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      if (established_) return Io::kEof;
      [[fallthrough]];
    default:
      describe_failure(error, socket_error_);
      return Io::kBroken;
  }
}

void TlsSession::describe_failure(int ssl_error, int socket_error) {
  if (broken_) return;
  broken_ = true;
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  was_plaintext_ = reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST;
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    error_ = fmt::format("certificate verify failed: {}",
                         X509_verify_cert_error_string(SSL_get_verify_result(ssl_)));
  } else if (peer_ended_) {
    error_ = established_ ? "the connection ended without close_notify"
                          : "the peer closed the connection within the handshake";
  } else if (socket_error != 0) {
    error_ = std::strerror(socket_error);
  } else if (code != 0) {
    const char* text = ERR_reason_error_string(code);
    error_ = text != nullptr ? text : fmt::format("OpenSSL error {:x}", code);
  } else {
    error_ =
        ssl_error == SSL_ERROR_ZERO_RETURN ? "the peer said close_notify" : "the connection broke";
  }
  ERR_clear_error();
}

void TlsSession::learn_info() {
  info_.version = SSL_get_version(ssl_);
  info_.cipher = SSL_get_cipher_name(ssl_);
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &size);
  if (size > 0) info_.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
    info_.server_name = name;
  }
  info_.resumed = SSL_session_reused(ssl_) == 1;
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_)) {
    info_.peer = describe(certificate);
    // A session resumes with the result of its first handshake.
    info_.peer->verified =
        SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl_) == X509_V_OK;
  }
}

}  // namespace nacelle::net
