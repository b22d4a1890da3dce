// make_certificate.h: certificates made in memory: self-signed ones for servers that were given
// none, and chains for tests. Keys are ECDSA P-256.
//
// Home:    any thread; about a tenth of a millisecond.
// Errors:  internal when OpenSSL fails; invalid_argument for a name that cannot be encoded.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace nacelle::net {

struct CertifiedKey {
  std::string chain_pem;
  std::string key_pem;  // never log it
};

struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> names;         // DNS names, IP literals, or URIs ("spiffe://...")
  std::chrono::seconds valid_from{-300};  // relative to now; clocks of peers may be behind
  std::chrono::seconds valid_until{86400};
  bool authority = false;  // may sign others
};

// Signed by `issuer`, or by itself when that is null. The chain holds the certificate and, unless
// the issuer is a root, the issuer's chain.
[[nodiscard]] Result<CertifiedKey> make_certificate(const CertificateSpec& spec,
                                                    const CertifiedKey* issuer = nullptr);

[[nodiscard]] Result<CertifiedKey> self_signed(const std::vector<std::string>& names, int days);

}  // namespace nacelle::net
