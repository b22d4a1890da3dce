// server_context.h: a loaded, checked, immutable TLS configuration of a server.
//
// Connections hold the context they began with; a new one reaches the next handshakes through
// TlsServerSource.
//
// Home:    any thread.
// Errors:  create() names the file and the reason: not_found, invalid_argument (malformed PEM, key
//          that does not belong to the certificate, unknown cipher), failed_precondition (expired).
//          Messages never contain key material.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "net/tls/config.h"

namespace nacelle::net {

class TlsServerContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const TlsServerContext>> create(
      const TlsServerConfig& config);
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  [[nodiscard]] const TlsServerConfig& config() const;
  // When the first of its certificates ends.
  [[nodiscard]] std::chrono::system_clock::time_point expires() const;
  // Which certificate (index in the config) a client that asks for `server_name` gets: an exact
  // name, else a wildcard of its parent, else the default.
  [[nodiscard]] std::size_t select(std::string_view server_name) const;

  struct Impl;  // OpenSSL's side, seen by net/tls only
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit TlsServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The context that the next handshakes use. Any thread.
class TlsServerSource {
 public:
  explicit TlsServerSource(std::shared_ptr<const TlsServerContext> context);
  // A source that never changes.
  [[nodiscard]] static Result<std::shared_ptr<TlsServerSource>> create(
      const TlsServerConfig& config);

  [[nodiscard]] std::shared_ptr<const TlsServerContext> current() const;
  void replace(std::shared_ptr<const TlsServerContext> context);

 private:
  mutable std::mutex mutex_;  // once per connection
  std::shared_ptr<const TlsServerContext> context_;
};

}  // namespace nacelle::net
