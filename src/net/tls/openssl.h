// openssl.h: owners of OpenSSL's objects and its error queue as text; for net/tls only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/result.h"
#include "net/tls/config.h"

namespace nacelle::net {

template <auto kFree>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;

// The oldest entry of this thread's error queue, "no start line"; clears the queue.
[[nodiscard]] std::string take_openssl_error();

// The PEM text of a source and what to call it in a message: its path, or "the given PEM text".
struct PemText {
  std::string text;
  std::string origin;
};
[[nodiscard]] Result<PemText> load_pem(const PemSource& source);

// Errors name `pem.origin`.
[[nodiscard]] Result<X509Ptr> parse_leaf(const PemText& pem);
[[nodiscard]] Result<KeyPtr> parse_key(const PemText& pem);

// Puts certificate, chain and key into `context`. Errors: malformed, expired, not a pair.
Status use_certificate(SSL_CTX* context, const PemText& chain, const PemText& key);
// Trusts every certificate in `pem`. invalid_argument when it holds none.
Status trust(SSL_CTX* context, const PemText& pem);

enum class TlsSide : std::uint8_t { kServer, kClient };
// A context with what both sides want: versions, ciphers, no renegotiation, no compression.
[[nodiscard]] Result<SslCtxPtr> new_context(TlsSide side, TlsVersion min_version,
                                            const std::string& ciphers,
                                            const std::string& cipher_suites);

// {"h2", "http/1.1"} as ALPN's length-prefixed list. invalid_argument for a name of 0 or more than
// 255 bytes.
[[nodiscard]] Result<std::string> alpn_wire(const std::vector<std::string>& protocols);

}  // namespace nacelle::net
