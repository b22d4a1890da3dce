#include "net/tls/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "base/file.h"

namespace nacelle::net {

namespace {

constexpr std::size_t kMaxPemBytes = 4 << 20;  // a system bundle has about 200 KB

// Only ECDHE with AEAD: forward secrecy, and what RFC 9113 allows for HTTP/2.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// Without this OpenSSL would ask the terminal.
int no_password(char*, int, int, void*) { return -1; }

BioPtr memory(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// True when the queue says no more than "there is no further PEM block".
bool at_end_of_pem() {
  const unsigned long error = ERR_peek_last_error();
  const bool end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

std::string date_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Status check_dates(X509* certificate, const std::string& origin) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return failed_precondition("{}: the certificate expired at {}", origin,
                               date_text(X509_get0_notAfter(certificate)));
  }
  return {};
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long error = ERR_get_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  std::string text = reason != nullptr ? reason : "unknown reason";
  ERR_clear_error();
  return text;
}

Result<PemText> load_pem(const PemSource& source) {
  if (!source.text.empty()) return PemText{source.text, "the given PEM text"};
  if (source.file.empty()) return invalid_argument("no certificate or key was given");
  Result<std::string> text = read_file(source.file, kMaxPemBytes);
  if (!text.ok()) return text.error();
  return PemText{std::move(*text), source.file.string()};
}

Result<X509Ptr> parse_leaf(const PemText& pem) {
  ERR_clear_error();
  const BioPtr bio = memory(pem.text);
  X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
  if (leaf != nullptr) return leaf;
  if (at_end_of_pem()) return invalid_argument("{}: holds no PEM certificate", pem.origin);
  return invalid_argument("{}: malformed certificate: {}", pem.origin, take_openssl_error());
}

Result<KeyPtr> parse_key(const PemText& pem) {
  ERR_clear_error();
  const BioPtr bio = memory(pem.text);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key != nullptr) return key;
  if (pem.text.find("ENCRYPTED") != std::string::npos) {
    ERR_clear_error();
    return invalid_argument("{}: the private key is encrypted; give it without a password",
                            pem.origin);
  }
  if (pem.text.find("PRIVATE KEY-----") == std::string::npos) {
    ERR_clear_error();
    return invalid_argument("{}: holds no PEM private key", pem.origin);
  }
  return invalid_argument("{}: malformed private key: {}", pem.origin, take_openssl_error());
}

Status use_certificate(SSL_CTX* context, const PemText& chain, const PemText& key) {
  const BioPtr bio = memory(chain.text);
  ASSIGN_OR_RETURN(const X509Ptr leaf, parse_leaf(chain));
  RETURN_IF_ERROR(check_dates(leaf.get(), chain.origin));
  ASSIGN_OR_RETURN(const KeyPtr private_key, parse_key(key));
  if (X509_check_private_key(leaf.get(), private_key.get()) != 1) {
    ERR_clear_error();
    return invalid_argument("{}: the private key does not belong to the certificate in {}",
                            key.origin, chain.origin);
  }
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, private_key.get()) != 1) {
    return invalid_argument("{}: unusable certificate: {}", chain.origin, take_openssl_error());
  }
  X509Ptr skipped(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
  for (;;) {
    X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (next == nullptr) break;
    RETURN_IF_ERROR(check_dates(next.get(), chain.origin));
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return invalid_argument("{}: unusable chain: {}", chain.origin, take_openssl_error());
    }
    (void)next.release();  // the context owns it now
  }
  if (at_end_of_pem()) return {};
  return invalid_argument("{}: malformed chain: {}", chain.origin, take_openssl_error());
}

Status trust(SSL_CTX* context, const PemText& pem) {
  ERR_clear_error();
  const BioPtr bio = memory(pem.text);
  std::size_t count = 0;
  for (;;) {
    const X509Ptr authority(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
    if (authority == nullptr) break;
    ++count;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1) {
      return invalid_argument("{}: unusable CA certificate: {}", pem.origin, take_openssl_error());
    }
  }
  if (!at_end_of_pem()) {
    return invalid_argument("{}: malformed CA certificate: {}", pem.origin, take_openssl_error());
  }
  if (count == 0) return invalid_argument("{}: holds no PEM certificate", pem.origin);
  return {};
}

Result<SslCtxPtr> new_context(TlsSide side, TlsVersion min_version, const std::string& ciphers,
                              const std::string& cipher_suites) {
  ERR_clear_error();
  SslCtxPtr context(
      SSL_CTX_new(side == TlsSide::kServer ? TLS_server_method() : TLS_client_method()));
  if (context == nullptr) return internal("cannot make a TLS context: {}", take_openssl_error());
  SSL_CTX* raw = context.get();
  const int lowest = min_version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(raw, lowest);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection gives its record buffers back; a record that is sent later may have moved.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  const char* list = ciphers.empty() ? kTls12Ciphers : ciphers.c_str();
  if (SSL_CTX_set_cipher_list(raw, list) != 1) {
    return invalid_argument("TLS ciphers '{}': {}", list, take_openssl_error());
  }
  if (!cipher_suites.empty() && SSL_CTX_set_ciphersuites(raw, cipher_suites.c_str()) != 1) {
    return invalid_argument("TLS 1.3 cipher suites '{}': {}", cipher_suites, take_openssl_error());
  }
  return context;
}

Result<std::string> alpn_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > 255) {
      return invalid_argument("an ALPN protocol name has 1 to 255 bytes, got {}", name.size());
    }
    wire.push_back(static_cast<char>(name.size()));
    wire += name;
  }
  return wire;
}

}  // namespace nacelle::net
