// config.h: what a user says about TLS, towards clients and towards upstreams.
//
// PEM comes from a file or as text. Encrypted private keys are refused: a server that starts by
// itself has nobody to ask for a password.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nacelle::net {

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };

// Text counts when it is not empty, else the file; neither means that nothing was given.
struct PemSource {
  std::filesystem::path file;
  std::string text;  // may hold a key: never log it
  [[nodiscard]] bool given() const { return !file.empty() || !text.empty(); }
};

struct TlsCertificate {
  // SNI names that this certificate serves, exact or "*.example.com" (one label). Empty means the
  // DNS names in the certificate.
  std::vector<std::string> names;
  PemSource chain;  // the certificate first, then its intermediates
  PemSource key;    // not given: it stands in `chain`
};

enum class ClientVerify : std::uint8_t {
  kNone,      // no client certificate is asked for
  kOptional,  // asked for; one that is sent must be valid
  kRequired,
};

struct TlsServerConfig {
  std::vector<TlsCertificate> certificates;
  std::size_t default_certificate = 0;  // for clients without SNI or with an unknown name
  TlsVersion min_version = TlsVersion::kTls12;
  std::string ciphers;        // of TLS 1.2, in OpenSSL's syntax; "" = ECDHE with AEAD
  std::string cipher_suites;  // of TLS 1.3; "" = OpenSSL's
  std::vector<std::string> alpn = {"h2", "http/1.1"};  // in order of preference; empty = none
  ClientVerify client_verify = ClientVerify::kNone;
  PemSource client_ca;  // needed unless kNone
  // Stateless tickets under a key that lives as long as one loaded configuration, so that a reload
  // with another client CA also ends the sessions which the old one admitted.
  bool session_tickets = true;
};

struct TlsClientConfig {
  PemSource ca;             // not given: the system's
  std::string server_name;  // for SNI and verification; "" = the host that is connected to
  bool verify = true;       // false accepts any certificate: for tests and private networks
  PemSource certificate;    // ours, for upstreams that ask for one
  PemSource key;
  TlsVersion min_version = TlsVersion::kTls12;
  std::string ciphers;
  std::vector<std::string> alpn = {"http/1.1"};
};

}  // namespace nacelle::net
