#include "gateway/tls.h"

namespace nacelle::gateway {

Result<std::shared_ptr<const net::TlsServerContext>> make_server_tls(const PortConfig& port) {
  net::TlsServerConfig tls;
  tls.alpn = {"h2", "http/1.1"};
  for (const ListenerConfig& listener : port.listeners) {
    for (const CertificateConfig& one : listener.certificates) {
      net::TlsCertificate certificate;
      if (!listener.hostname.empty()) certificate.names.push_back(listener.hostname);
      certificate.chain.text = one.certificate;
      certificate.key.text = one.key;
      tls.certificates.push_back(std::move(certificate));
    }
    // Certificates of clients are asked for per port: the handshake comes before the host is known.
    if (listener.client_authorities.empty()) continue;
    tls.client_ca.text += listener.client_authorities;
    if (tls.client_verify != net::ClientVerify::kRequired) {
      tls.client_verify = listener.client_certificate_optional ? net::ClientVerify::kOptional
                                                               : net::ClientVerify::kRequired;
    }
  }
  auto context = net::TlsServerContext::create(tls);
  if (!context) return context.error().with_context(port.address.to_string());
  return context;
}

Result<std::shared_ptr<const net::TlsClientContext>> make_client_tls(const UpstreamTls& upstream) {
  net::TlsClientConfig tls;
  tls.ca.text = upstream.authorities;
  tls.server_name = upstream.server_name;
  return net::TlsClientContext::create(tls);
}

}  // namespace nacelle::gateway
