// http_transport.h: HTTP/1.1 to an API server, with TLS and credentials.
//
// Credentials, in this order: the token file (read again when the copy is a minute old), what an
// exec plugin gives, the token, basic. An answer of 401 drops what can be renewed, and the request
// is sent once more if that gave another credential. Certificates and the CA are files that are
// looked at every ten seconds: what does not load leaves the old ones in force and is logged.
//
// Home:    the loop; a plugin runs on a thread of its own.
// Errors:  create(): files or certificates that do not load. send(): as kube/transport.h.
// Source:  kubernetes-api.md sections 2, 3 and 25.
#pragma once

#include <memory>
#include <string>

#include "kube/client_config.h"
#include "kube/transport.h"
#include "net/http/client.h"

namespace nacelle::kube {

class ExecPlugin;
struct ExecCredential;
class TlsFiles;

class HttpTransport final : public Transport {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HttpTransport>> create(async::Loop& loop,
                                                                     ClientConfig config);
  ~HttpTransport() override;

  [[nodiscard]] async::Loop& loop() override { return http_.loop(); }
  [[nodiscard]] async::Task<Result<std::unique_ptr<TransportAnswer>>> send(
      TransportRequest request) override;

 private:
  struct Authorization {
    std::string header;  // "" when there is none to send
    std::shared_ptr<const ExecCredential> credential;
    std::shared_ptr<const net::TlsClientContext> tls;
  };

  HttpTransport(async::Loop& loop, ClientConfig config);
  [[nodiscard]] async::Task<Result<Authorization>> authorize();
  void read_token(TimePoint now);
  // After a 401 to that: true when there is another credential, or one may be had.
  [[nodiscard]] bool renew(const Authorization& refused);
  [[nodiscard]] net::http::ClientOptions options(const TransportRequest& request,
                                                 const Authorization& how) const;

  const ClientConfig config_;
  net::http::HttpClient http_;
  std::unique_ptr<TlsFiles> tls_;       // null without TLS
  std::unique_ptr<ExecPlugin> plugin_;  // null without one
  std::string token_;
  TimePoint token_read_{};
};

}  // namespace nacelle::kube
