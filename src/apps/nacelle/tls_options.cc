#include "apps/nacelle/tls_options.h"

namespace nacelle::apps {

Result<TlsOptions> read_tls_options(const cli::FlagValues& flags) {
  TlsOptions options;
  options.refresh = flags.flag("enable-ssl-refresh", false);
  const std::string certificate = flags.text("ssl-certfile");
  const std::string key = flags.text("ssl-keyfile");
  const std::string authorities = flags.text("ssl-ca-certs");
  // Python's ssl.CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED.
  const std::int64_t requirement = flags.integer("ssl-cert-reqs", 0);
  if (requirement < 0 || requirement > 2) {
    return invalid_argument("--ssl-cert-reqs must be 0, 1 or 2, got {}", requirement);
  }
  if (requirement > 0 && authorities.empty()) {
    return invalid_argument("--ssl-cert-reqs {} requires --ssl-ca-certs", requirement);
  }
  if (certificate.empty()) {
    for (const char* name : {"ssl-keyfile", "ssl-ca-certs", "ssl-ciphers"}) {
      if (!flags.text(name).empty()) return invalid_argument("--{} requires --ssl-certfile", name);
    }
    return options;
  }
  net::TlsServerConfig& server = options.server.emplace();
  net::TlsCertificate& own = server.certificates.emplace_back();
  own.chain.file = certificate;
  own.key.file = key;  // none: the key stands in the certificate's file
  server.client_verify = static_cast<net::ClientVerify>(requirement);
  server.client_ca.file = authorities;
  // uvicorn's own default names a protocol and not a choice: it means the default here as well.
  if (const std::string ciphers = flags.text("ssl-ciphers"); ciphers != "TLSv1") {
    server.ciphers = ciphers;
  }
  return options;
}

}  // namespace nacelle::apps
