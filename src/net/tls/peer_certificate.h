// peer_certificate.h: reads a certificate's names; for net/tls only.
#pragma once

#include <string>
#include <vector>

#include "net/tls/info.h"
#include "net/tls/openssl.h"

namespace nacelle::net {

// Subject, issuer, subjectAltName and fingerprint. `verified` stays false.
[[nodiscard]] PeerCertificate describe(const X509* certificate);

// The DNS names of subjectAltName; the common name when there is none.
[[nodiscard]] std::vector<std::string> dns_names_of(const X509* certificate);

}  // namespace nacelle::net
