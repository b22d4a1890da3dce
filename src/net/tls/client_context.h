// client_context.h: a loaded, immutable TLS configuration towards upstreams.
//
// The object is the identity of the configuration: a pooled connection is used again only for the
// same address and the same context. Make one per configuration, not one per request.
//
// Home:    any thread.
// Errors:  create(): as TlsServerContext::create().
#pragma once

#include <memory>

#include "base/result.h"
#include "net/tls/config.h"

namespace nacelle::net {

class TlsClientContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const TlsClientContext>> create(
      const TlsClientConfig& config);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  [[nodiscard]] const TlsClientConfig& config() const;

  struct Impl;  // OpenSSL's side, seen by net/tls only
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit TlsClientContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::net
