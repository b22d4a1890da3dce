#include "net/testing/raw_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/check.h"
#include "net/tls/openssl.h"

namespace nacelle::net::testing {

RawTlsClient::RawTlsClient(std::uint16_t port, const RawTlsOptions& options,
                           const RawTlsClient* earlier)
    : context_(SSL_CTX_new(TLS_client_method())),
      fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  (void)::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own socket code does not suppress it
  CHECK(context_ != nullptr && fd_ >= 0);
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context_, options.version);
    SSL_CTX_set_max_proto_version(context_, options.version);
  }
  if (options.certificate != nullptr) {
    // Not use_certificate(): a bad client shows an expired one.
    const X509Ptr leaf = *parse_leaf({options.certificate->chain_pem, "test"});
    const KeyPtr key = *parse_key({options.certificate->key_pem, "test"});
    SSL_CTX_use_certificate(context_, leaf.get());
    SSL_CTX_use_PrivateKey(context_, key.get());
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_);
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl_, options.server_name.c_str());
  if (!options.alpn.empty()) {
    const std::string wire = *alpn_wire(options.alpn);
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned int>(wire.size()));
  }
  if (earlier != nullptr) {
    SSL_SESSION* session = SSL_get1_session(earlier->ssl_);
    SSL_set_session(ssl_, session);
    SSL_SESSION_free(session);
  }
  connected_ = SSL_connect(ssl_) == 1;
  ERR_clear_error();
}

RawTlsClient::~RawTlsClient() {
  cut();
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::string RawTlsClient::version() const { return SSL_get_version(ssl_); }
bool RawTlsClient::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string RawTlsClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string RawTlsClient::certificate_name() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

bool RawTlsClient::send(std::string_view bytes) {
  ERR_clear_error();
  return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

bool RawTlsClient::read_some() {
  char buffer[16384];
  ERR_clear_error();
  const int got = SSL_read(ssl_, buffer, sizeof(buffer));
  if (got > 0) {
    unread_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  ended_properly_ = SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN;
  return false;
}

std::string RawTlsClient::read_until(std::string_view mark) {
  std::size_t at = 0;
  while ((at = unread_.find(mark)) == std::string::npos) {
    if (!read_some()) return {};
  }
  std::string out = unread_.substr(0, at + mark.size());
  unread_.erase(0, out.size());
  return out;
}

std::string RawTlsClient::read_to_end() {
  while (read_some()) {
  }
  return std::exchange(unread_, {});
}

bool RawTlsClient::renegotiate() {
  ERR_clear_error();
  if (SSL_renegotiate(ssl_) != 1) return false;
  return SSL_do_handshake(ssl_) == 1 && !SSL_renegotiate_pending(ssl_);
}

void RawTlsClient::say_goodbye() { (void)SSL_shutdown(ssl_); }

void RawTlsClient::shutdown_send() { (void)::shutdown(fd_, SHUT_WR); }

void RawTlsClient::cut() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace nacelle::net::testing
