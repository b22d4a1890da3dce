// test_ca.h: a certificate authority for tests. Nothing is committed that could expire.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/tls/config.h"
#include "net/tls/make_certificate.h"

namespace nacelle::net::testing {

class TestCa {
 public:
  explicit TestCa(const std::string& name = "Test CA") {
    CertificateSpec spec;
    spec.common_name = name;
    spec.authority = true;
    auto made = make_certificate(spec);
    CHECK(made.ok());
    root_ = std::move(*made);
  }

  [[nodiscard]] CertifiedKey issue(std::vector<std::string> names) const {
    CertificateSpec spec;
    spec.common_name = names.front();
    spec.names = std::move(names);
    return issue_as(spec);
  }
  [[nodiscard]] CertifiedKey issue_as(const CertificateSpec& spec) const {
    auto made = make_certificate(spec, &root_);
    CHECK(made.ok());
    return std::move(*made);
  }
  // Ended a minute ago.
  [[nodiscard]] CertifiedKey issue_expired(std::vector<std::string> names) const {
    CertificateSpec spec;
    spec.common_name = names.front();
    spec.names = std::move(names);
    spec.valid_from = std::chrono::hours(-48);
    spec.valid_until = std::chrono::seconds(-60);
    return issue_as(spec);
  }
  [[nodiscard]] PemSource trusted() const { return {{}, root_.chain_pem}; }
  [[nodiscard]] const CertifiedKey& root() const { return root_; }

 private:
  CertifiedKey root_;
};

[[nodiscard]] inline TlsCertificate use(const CertifiedKey& key,
                                        std::vector<std::string> names = {}) {
  return {std::move(names), {{}, key.chain_pem}, {{}, key.key_pem}};
}

}  // namespace nacelle::net::testing
