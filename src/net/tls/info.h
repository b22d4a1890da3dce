// info.h: what a finished handshake agreed on and who the peer is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nacelle::net {

// A certificate that the peer proved to own. It is trusted only when `verified`.
struct PeerCertificate {
  std::string subject;  // RFC 2253: "CN=worker,O=Example"
  std::string issuer;
  std::vector<std::string> dns_names;  // of subjectAltName
  std::vector<std::string> uris;       // SPIFFE ids live here
  std::vector<std::string> ip_addresses;
  std::vector<std::string> emails;
  std::string sha256;  // of the DER form, 64 hex digits
  bool verified = false;
};

struct TlsInfo {
  std::string version;      // "TLSv1.3"
  std::string cipher;       // "TLS_AES_256_GCM_SHA384"
  std::string alpn;         // "h2", "http/1.1", "" when nothing was agreed
  std::string server_name;  // SNI, as sent or received; "" when there was none
  bool resumed = false;
  std::optional<PeerCertificate> peer;
};

}  // namespace nacelle::net
