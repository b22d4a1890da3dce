// epp_tls.h: the certificates of an Endpoint Picker's ports.
//
// Home:    any thread; a reloader has one of its own.
// Errors:  a certificate that does not load; invalid_argument for names that Go does not know.
// Source:  router.md section 6.1; crypto/tls of Go for names of versions and cipher suites.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/nacelle/epp_options.h"
#include "base/result.h"
#include "net/tls/reloader.h"

namespace nacelle::apps {

struct ServerTls {
  std::unique_ptr<net::TlsReloader> reloader;    // null: the certificate is no file
  std::shared_ptr<net::TlsServerSource> source;  // null: in the clear
};

[[nodiscard]] Result<ServerTls> grpc_server_tls(const EppOptions& options);
[[nodiscard]] Result<ServerTls> metrics_server_tls(const EppOptions& options);

// "VersionTLS12". Versions before 1.2 are 1.2: that is the least we speak.
[[nodiscard]] Result<net::TlsVersion> go_tls_version(std::string_view name);

struct CipherNames {
  std::string tls12, tls13;  // in OpenSSL's syntax
};
// "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,..." with forward secrecy and authenticated encryption;
// others are refused.
[[nodiscard]] Result<CipherNames> go_cipher_suites(std::string_view list);

}  // namespace nacelle::apps
