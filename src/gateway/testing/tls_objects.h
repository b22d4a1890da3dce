// tls_objects.h: Secrets and listeners with certificates, as YAML, for tests.
//
// Home:    tests; pure.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/testing/fixture.h"
#include "net/tls/make_certificate.h"

namespace nacelle::gateway::testing {

[[nodiscard]] inline std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

// A field that is empty is left out.
[[nodiscard]] inline std::string secret(const std::string& name, const std::string& certificate,
                                        const std::string& key) {
  std::string out = fmt::format(
      "\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {}}}\ntype: kubernetes.io/tls\n"
      "stringData:\n",
      name);
  if (!certificate.empty()) out += "  tls.crt: |\n" + indented(certificate) + "\n";
  if (!key.empty()) out += "  tls.key: |\n" + indented(key) + "\n";
  return out;
}

[[nodiscard]] inline std::string secret(const std::string& name, const net::CertifiedKey& key) {
  return secret(name, key.chain_pem, key.key_pem);
}

// base_objects() with one HTTPS listener for *.test that has these certificates.
[[nodiscard]] inline std::string https_listener(const std::vector<std::string>& secrets,
                                                const std::string& settings = "") {
  std::string objects = base_objects(settings);
  const std::string one = "[{name: http, port: 0, protocol: HTTP}]";
  std::string refs;
  for (const std::string& name : secrets) refs += fmt::format("{{name: {}}}, ", name);
  refs.resize(refs.size() - 2);
  objects.replace(objects.find(one), one.size(),
                  fmt::format("\n  - {{name: a, port: 0, protocol: HTTPS, hostname: \"*.test\", "
                              "tls: {{certificateRefs: [{}]}}}}",
                              refs));
  return objects;
}

}  // namespace nacelle::gateway::testing
