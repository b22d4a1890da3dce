#include "kube/server/identity.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/file.h"
#include "net/tls/make_certificate.h"

namespace nacelle::kube::server {
namespace {

constexpr std::chrono::seconds kTenYears{std::chrono::days(3650)};
constexpr std::chrono::seconds kOneYear{std::chrono::days(365)};

Result<std::string> random_text(std::size_t bytes) {
  std::string out;
  std::array<unsigned char, 64> random{};
  if (bytes > random.size() || RAND_bytes(random.data(), static_cast<int>(bytes)) != 1) {
    return internal("no random bytes");
  }
  for (std::size_t i = 0; i < bytes; ++i) out += fmt::format("{:02x}", random[i]);
  return out;
}

// What the file holds; made when it is missing.
Result<std::string> secret_file(const std::filesystem::path& path, std::size_t bytes) {
  auto read = read_file(path, 4096);
  if (read.ok()) {
    std::string text = std::move(*read);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.size() < 16) return data_loss("{} holds no secret", path.string());
    return text;
  }
  if (read.error().code() != Code::kNotFound) return read.error();
  ASSIGN_OR_RETURN(const std::string made, random_text(bytes));
  RETURN_IF_ERROR(write_private_file(path, made + "\n"));
  return made;
}

Result<net::CertifiedKey> load_ca(const std::filesystem::path& folder) {
  auto chain = read_file(folder / "ca.crt", 65536);
  auto key = read_file(folder / "ca.key", 65536);
  if (chain.ok() && key.ok()) return net::CertifiedKey{std::move(*chain), std::move(*key)};
  const bool neither = !chain.ok() && chain.error().code() == Code::kNotFound && !key.ok() &&
                       key.error().code() == Code::kNotFound;
  if (!neither) {
    return data_loss("{}: ca.crt and ca.key belong together, one of them cannot be read",
                     folder.string());
  }
  const net::CertificateSpec spec{
      .common_name = "nacelle-ca", .names = {}, .valid_until = kTenYears, .authority = true};
  ASSIGN_OR_RETURN(net::CertifiedKey made, net::make_certificate(spec));
  RETURN_IF_ERROR(write_private_file(folder / "ca.key", made.key_pem));
  RETURN_IF_ERROR(write_file_atomically(folder / "ca.crt", made.chain_pem));
  return made;
}

}  // namespace

Status write_private_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp.{}", ::getpid());
  ::unlink(temporary.c_str());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const auto failed = [&](const char* what) {
    const int error = errno;
    if (file >= 0) ::close(file);
    ::unlink(temporary.c_str());
    return Status(error == ENOSPC ? Code::kResourceExhausted : Code::kPermissionDenied,
                  fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)));
  };
  if (file < 0) return failed("create");
  while (!text.empty()) {
    const ssize_t put = ::write(file, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("write");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(file) != 0) return failed("sync");
  ::close(file);
  if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(temporary.c_str());
  return permission_denied("cannot replace {}: {}", path.string(), std::strerror(error));
}

Result<Identity> load_identity(const std::filesystem::path& folder,
                               const std::vector<std::string>& names) {
  Identity out;
  ASSIGN_OR_RETURN(const net::CertifiedKey ca, load_ca(folder));
  out.ca_pem = ca.chain_pem;
  ASSIGN_OR_RETURN(out.admin_token, secret_file(folder / "token", 32));
  ASSIGN_OR_RETURN(out.signing_key, secret_file(folder / "signing.key", 48));
  net::CertificateSpec spec{
      .common_name = "kube-apiserver",
      .names = {"127.0.0.1", "::1", "localhost", "kubernetes", "kubernetes.default",
                "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
      .valid_until = kOneYear};
  spec.names.insert(spec.names.end(), names.begin(), names.end());
  ASSIGN_OR_RETURN(const net::CertifiedKey server, net::make_certificate(spec, &ca));
  net::TlsServerConfig config;
  config.certificates.push_back({.names = {},
                                 .chain = {.file = {}, .text = server.chain_pem},
                                 .key = {.file = {}, .text = server.key_pem}});
  ASSIGN_OR_RETURN(out.tls, net::TlsServerSource::create(config));
  return out;
}

Status write_kubeconfig(const std::filesystem::path& path, std::string_view server,
                        std::string_view ca_pem, std::string_view token) {
  std::string cluster = fmt::format("    server: {}\n", server);
  if (!ca_pem.empty()) {
    cluster += fmt::format("    certificate-authority-data: {}\n", encode_base64(ca_pem));
  }
  return write_private_file(path, fmt::format(R"(apiVersion: v1
kind: Config
current-context: nacelle
clusters:
- name: nacelle
  cluster:
{}users:
- name: admin
  user:
    token: {}
contexts:
- name: nacelle
  context:
    cluster: nacelle
    user: admin
    namespace: default
)",
                                              cluster, token));
}

}  // namespace nacelle::kube::server
