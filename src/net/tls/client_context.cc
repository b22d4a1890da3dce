#include "net/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "net/tls/context_impl.h"

namespace nacelle::net {

namespace {

Status trust_authorities(SSL_CTX* context, const TlsClientConfig& config) {
  if (!config.verify) return {};
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (!config.ca.given()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return unavailable("cannot load the system's CA certificates: {}", take_openssl_error());
  }
  ASSIGN_OR_RETURN(const PemText authorities, load_pem(config.ca));
  return trust(context, authorities);
}

}  // namespace

TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::~TlsClientContext() = default;
const TlsClientConfig& TlsClientContext::config() const { return impl_->config; }

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create(
    const TlsClientConfig& config) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->context,
                   new_context(TlsSide::kClient, config.min_version, config.ciphers, ""));
  SSL_CTX* raw = impl->context.get();
  RETURN_IF_ERROR(trust_authorities(raw, config));
  if (config.certificate.given()) {
    ASSIGN_OR_RETURN(const PemText chain, load_pem(config.certificate));
    PemText key = chain;
    if (config.key.given()) {
      ASSIGN_OR_RETURN(key, load_pem(config.key));
    }
    RETURN_IF_ERROR(use_certificate(raw, chain, key));
  } else if (config.key.given()) {
    return invalid_argument("a client key is given without its certificate");
  }
  ASSIGN_OR_RETURN(const std::string wire, alpn_wire(config.alpn));
  if (!wire.empty()) {
    // This call alone returns 0 for success.
    const auto* bytes = reinterpret_cast<const unsigned char*>(wire.data());
    if (SSL_CTX_set_alpn_protos(raw, bytes, static_cast<unsigned int>(wire.size())) != 0) {
      return internal("cannot set ALPN: {}", take_openssl_error());
    }
  }
  impl->config = config;
  impl->config.key.text.clear();
  if (!config.key.given()) impl->config.certificate.text.clear();
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(std::move(impl)));
}

}  // namespace nacelle::net
