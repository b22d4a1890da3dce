// context_impl.h: OpenSSL's side of the two contexts; for net/tls only.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/tls/client_context.h"
#include "net/tls/openssl.h"
#include "net/tls/server_context.h"

namespace nacelle::net {

struct TlsServerContext::Impl {
  TlsServerConfig config;                                 // without the texts of keys
  std::string alpn;                                       // ALPN's wire form
  std::vector<SslCtxPtr> contexts;                        // one per certificate
  std::unordered_map<std::string, std::size_t> exact;     // lower case
  std::unordered_map<std::string, std::size_t> wildcard;  // "example.com" of "*.example.com"
  std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();

  [[nodiscard]] SSL_CTX* fallback() const { return contexts[config.default_certificate].get(); }
};

struct TlsClientContext::Impl {
  TlsClientConfig config;  // without the text of the key
  SslCtxPtr context;
};

}  // namespace nacelle::net
