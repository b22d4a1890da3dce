// identity.h: what an API server is to its clients: CA, certificate, tokens, kubeconfig; kept in
// its folder and made at the first start.
//
//   ca.crt ca.key      ten years        server.crt server.key   made again at each start
//   token              the administrator's                     signing.key   of account tokens
//   kubeconfig         how to reach the server with that token
//
// All but ca.crt are 0600, also while they are written.
//
// Home:    one thread, at start.
// Errors:  permission_denied, resource_exhausted; data_loss for a CA that cannot be read.
// Source:  kubernetes-api.md section 3.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls/server_context.h"

namespace nacelle::kube::server {

struct Identity {
  std::string ca_pem;
  std::string admin_token;
  std::string signing_key;
  std::shared_ptr<net::TlsServerSource> tls;
};

[[nodiscard]] Result<Identity> load_identity(const std::filesystem::path& folder,
                                             const std::vector<std::string>& names);

// Makes or replaces the file with mode 0600; a reader sees the old or the new one.
[[nodiscard]] Status write_private_file(const std::filesystem::path& path, std::string_view text);

[[nodiscard]] Status write_kubeconfig(const std::filesystem::path& path, std::string_view server,
                                      std::string_view ca_pem, std::string_view token);

}  // namespace nacelle::kube::server
