// tls_files.h: the TLS context towards an API server, made again when one of its files changes or
// when an exec plugin brings another certificate.
//
// Looks at the files at most every kPeriod, when it is asked. A set that does not load leaves the
// context as it was, and is logged once.
//
// Home:    one loop. Files are small and local: reading them takes less than a millisecond.
// Errors:  create(): the first load failed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "net/tls/client_context.h"

namespace nacelle::kube {

class TlsFiles {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(10);

  [[nodiscard]] static Result<std::unique_ptr<TlsFiles>> create(net::TlsClientConfig config,
                                                                TimePoint now);

  [[nodiscard]] std::shared_ptr<const net::TlsClientContext> context(TimePoint now);

  // A certificate of ours that is no file; both empty goes back to the configuration's.
  [[nodiscard]] Status use_certificate(const std::string& chain_pem, const std::string& key_pem);

 private:
  explicit TlsFiles(net::TlsClientConfig config);
  [[nodiscard]] std::vector<FileIdentity> look() const;

  const net::TlsClientConfig given_;
  net::TlsClientConfig config_;  // given_, with a plugin's certificate
  std::vector<std::filesystem::path> files_;
  std::vector<FileIdentity> seen_;
  TimePoint looked_{};
  std::shared_ptr<const net::TlsClientContext> context_;
};

}  // namespace nacelle::kube
