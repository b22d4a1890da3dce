#include "net/tls/server_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "base/check.h"
#include "net/tls/context_impl.h"
#include "net/tls/peer_certificate.h"
#include "telemetry/log.h"

namespace nacelle::net {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (out.ends_with('.')) out.pop_back();
  return out;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned int in_size, void* argument) {
  const auto& ours = static_cast<const TlsServerContext::Impl*>(argument)->alpn;
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), in, in_size);
  *out = chosen;
  // RFC 7301 section 3.2: a client that offers only what we do not speak is told so.
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int choose_certificate(SSL* ssl, int*, void* argument) {
  const auto* context = static_cast<const TlsServerContext*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* chosen = context->impl().contexts[context->select(name)].get();
  if (SSL_get_SSL_CTX(ssl) != chosen) SSL_set_SSL_CTX(ssl, chosen);
  return SSL_TLSEXT_ERR_OK;
}

std::chrono::system_clock::time_point end_of(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

Status ask_for_clients(SSL_CTX* context, const TlsServerConfig& config) {
  if (config.client_verify == ClientVerify::kNone) return {};
  if (!config.client_ca.given()) {
    return invalid_argument("client certificates cannot be verified: no client CA is given");
  }
  ASSIGN_OR_RETURN(const PemText authorities, load_pem(config.client_ca));
  RETURN_IF_ERROR(trust(context, authorities));
  const BioPtr bio(
      BIO_new_mem_buf(authorities.text.data(), static_cast<int>(authorities.text.size())));
  for (;;) {  // the names tell clients which of their certificates to send
    const X509Ptr one(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (one == nullptr) break;
    SSL_CTX_add_client_CA(context, one.get());
  }
  ERR_clear_error();
  const bool required = config.client_verify == ClientVerify::kRequired;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

// The names that clients ask for this certificate with.
void enlist(TlsServerContext::Impl& impl, std::size_t index, const X509* leaf) {
  std::vector<std::string> names = impl.config.certificates[index].names;
  if (names.empty()) names = dns_names_of(leaf);
  for (const std::string& given : names) {
    const std::string name = lower(given);
    if (name.starts_with("*.")) {
      impl.wildcard.try_emplace(name.substr(2), index);  // the first of the list wins
    } else {
      impl.exact.try_emplace(name, index);
    }
  }
}

Status load(TlsServerContext::Impl& impl, std::size_t index) {
  const TlsServerConfig& config = impl.config;
  const TlsCertificate& certificate = config.certificates[index];
  ASSIGN_OR_RETURN(SslCtxPtr context, new_context(TlsSide::kServer, config.min_version,
                                                  config.ciphers, config.cipher_suites));
  ASSIGN_OR_RETURN(const PemText chain, load_pem(certificate.chain));
  PemText key = chain;
  if (certificate.key.given()) {
    ASSIGN_OR_RETURN(key, load_pem(certificate.key));
  }
  RETURN_IF_ERROR(use_certificate(context.get(), chain, key));
  RETURN_IF_ERROR(ask_for_clients(context.get(), config));
  // Tickets only: a cache of sessions would be shared and locked between the loops.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (!config.session_tickets) {
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context.get(), 0);
  }
  constexpr unsigned char kSessionId[] = "nacelle";  // required where clients are verified
  SSL_CTX_set_session_id_context(context.get(), kSessionId, sizeof(kSessionId) - 1);
  if (!impl.alpn.empty()) SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, &impl);

  const X509* leaf = SSL_CTX_get0_certificate(context.get());
  if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
    log::warn("certificate is not valid yet", {{"file", chain.origin}});
  }
  impl.expires = std::min(impl.expires, end_of(leaf));
  enlist(impl, index, leaf);
  impl.contexts.push_back(std::move(context));
  return {};
}

}  // namespace

TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::~TlsServerContext() = default;

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::create(
    const TlsServerConfig& config) {
  if (config.certificates.empty()) return invalid_argument("TLS needs a certificate");
  if (config.default_certificate >= config.certificates.size()) {
    return invalid_argument("default certificate {} of {}", config.default_certificate,
                            config.certificates.size());
  }
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  ASSIGN_OR_RETURN(impl->alpn, alpn_wire(config.alpn));
  for (std::size_t i = 0; i < config.certificates.size(); ++i) RETURN_IF_ERROR(load(*impl, i));
  for (TlsCertificate& certificate : impl->config.certificates) {
    (certificate.key.given() ? certificate.key : certificate.chain).text.clear();
  }
  std::shared_ptr<TlsServerContext> context(new TlsServerContext(std::move(impl)));
  SSL_CTX* first = context->impl_->fallback();
  SSL_CTX_set_tlsext_servername_callback(first, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(first, context.get());
  return std::shared_ptr<const TlsServerContext>(std::move(context));
}

const TlsServerConfig& TlsServerContext::config() const { return impl_->config; }
std::chrono::system_clock::time_point TlsServerContext::expires() const { return impl_->expires; }

std::size_t TlsServerContext::select(std::string_view server_name) const {
  const std::string name = lower(server_name);
  if (const auto found = impl_->exact.find(name); found != impl_->exact.end()) {
    return found->second;
  }
  if (const std::size_t dot = name.find('.'); dot != std::string::npos && dot > 0) {
    const auto found = impl_->wildcard.find(name.substr(dot + 1));
    if (found != impl_->wildcard.end()) return found->second;
  }
  return impl_->config.default_certificate;
}

TlsServerSource::TlsServerSource(std::shared_ptr<const TlsServerContext> context)
    : context_(std::move(context)) {
  CHECK(context_ != nullptr);
}

Result<std::shared_ptr<TlsServerSource>> TlsServerSource::create(const TlsServerConfig& config) {
  ASSIGN_OR_RETURN(auto context, TlsServerContext::create(config));
  return std::make_shared<TlsServerSource>(std::move(context));
}

std::shared_ptr<const TlsServerContext> TlsServerSource::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

void TlsServerSource::replace(std::shared_ptr<const TlsServerContext> context) {
  CHECK(context != nullptr);
  const std::lock_guard lock(mutex_);
  context_.swap(context);  // the old one goes after the lock
}

}  // namespace nacelle::net
