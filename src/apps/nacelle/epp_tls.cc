#include "apps/nacelle/epp_tls.h"

#include <algorithm>
#include <utility>

#include "net/tls/make_certificate.h"

namespace nacelle::apps {
namespace {

constexpr int kCertificateDays = 3650;
constexpr Duration kCertificateLook = 1s;

struct Suite {
  std::string_view go, openssl;
  bool tls13 = false;
};
constexpr Suite kSuites[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", true},
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", true},
    {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", true},
};

// A certificate of the folder, or one that is made now.
Result<ServerTls> with_certificate(net::TlsServerConfig config, const std::string& folder,
                                   bool reload) {
  ServerTls out;
  if (folder.empty()) {
    ASSIGN_OR_RETURN(const net::CertifiedKey made,
                     net::self_signed({"localhost", "127.0.0.1"}, kCertificateDays));
    config.certificates.push_back({.names = {},
                                   .chain = {.file = {}, .text = made.chain_pem},
                                   .key = {.file = {}, .text = made.key_pem}});
    ASSIGN_OR_RETURN(out.source, net::TlsServerSource::create(config));
    return out;
  }
  config.certificates.push_back({.names = {},
                                 .chain = {.file = folder + "/tls.crt", .text = {}},
                                 .key = {.file = folder + "/tls.key", .text = {}}});
  ASSIGN_OR_RETURN(out.reloader, net::TlsReloader::create(config));
  if (reload) out.reloader->start(kCertificateLook);
  out.source = out.reloader->source();
  return out;
}

net::TlsServerConfig common(const EppOptions& options) {
  net::TlsServerConfig config;
  config.min_version = options.tls_min_version;
  config.ciphers = options.tls_ciphers;
  config.cipher_suites = options.tls_suites;
  return config;
}

void append(std::string& list, std::string_view name) {
  if (!list.empty()) list += ':';
  list += name;
}

}  // namespace

Result<ServerTls> grpc_server_tls(const EppOptions& options) {
  if (!options.secure_serving) return ServerTls();
  net::TlsServerConfig config = common(options);
  config.alpn = {"h2"};
  return with_certificate(std::move(config), options.cert_path, options.reload_certificate);
}

Result<ServerTls> metrics_server_tls(const EppOptions& options) {
  if (options.metrics_cert_dir.empty() && options.metrics_client_ca.empty()) return ServerTls();
  net::TlsServerConfig config = common(options);
  config.alpn = {"http/1.1"};
  if (!options.metrics_client_ca.empty()) {
    config.client_verify = net::ClientVerify::kRequired;
    config.client_ca.file = options.metrics_client_ca;
  }
  return with_certificate(std::move(config), options.metrics_cert_dir, true);
}

Result<net::TlsVersion> go_tls_version(std::string_view name) {
  if (name == "VersionTLS13") return net::TlsVersion::kTls13;
  for (const char* known : {"VersionTLS10", "VersionTLS11", "VersionTLS12"}) {
    if (name == known) return net::TlsVersion::kTls12;
  }
  return invalid_argument("'{}' is none of VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13",
                          name.substr(0, 100));
}

Result<CipherNames> go_cipher_suites(std::string_view list) {
  CipherNames out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const auto* known = std::find_if(std::begin(kSuites), std::end(kSuites), [&](const Suite& s) {
      return s.go == name || (s.go.ends_with("POLY1305_SHA256") && s.go.starts_with(name) &&
                              name.ends_with("POLY1305"));  // an older spelling of Go
    });
    if (known == std::end(kSuites)) {
      return invalid_argument(
          "cipher suite '{}' is not served: ECDHE with AES-GCM or ChaCha20, or those of TLS 1.3",
          name.substr(0, 100));
    }
    append(known->tls13 ? out.tls13 : out.tls12, known->openssl);
  }
  return out;
}

}  // namespace nacelle::apps
