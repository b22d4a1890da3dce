#include "gateway/tls.h"

namespace nacelle::gateway {

namespace {

// The context of all certificates fails without saying whose: each is tried alone.
Status name_secret(const net::TlsServerConfig& tls, const std::vector<std::string>& secrets,
                   const Status& why) {
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    net::TlsServerConfig one;
    one.certificates.push_back(tls.certificates[i]);
    const auto context = net::TlsServerContext::create(one);
    if (!context) return context.error().with_context("Secret " + secrets[i]);
  }
  return why;
}

}  // namespace

Result<std::shared_ptr<const net::TlsServerContext>> make_server_tls(const PortConfig& port) {
  net::TlsServerConfig tls;
  std::vector<std::string> secrets;
  tls.alpn = {"h2", "http/1.1"};
  for (const ListenerConfig& listener : port.listeners) {
    for (const CertificateConfig& one : listener.certificates) {
      net::TlsCertificate certificate;
      // Of several the client's SNI chooses by the names in them.
      if (!listener.hostname.empty() && listener.certificates.size() == 1)
        certificate.names.push_back(listener.hostname);
      certificate.chain.text = one.certificate;
      certificate.key.text = one.key;
      secrets.push_back(one.name);
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
  if (!context) {
    return name_secret(tls, secrets, context.error()).with_context(port.address.to_string());
  }
  return context;
}

Result<std::shared_ptr<const net::TlsClientContext>> make_client_tls(const UpstreamTls& upstream) {
  net::TlsClientConfig tls;
  tls.ca.text = upstream.authorities;
  tls.server_name = upstream.server_name;
  if (!upstream.certificate.name.empty()) {
    tls.certificate.text = upstream.certificate.certificate;
    tls.key.text = upstream.certificate.key;
  }
  auto context = net::TlsClientContext::create(tls);
  if (!context && !upstream.certificate.name.empty())
    return context.error().with_context("Secret " + upstream.certificate.name + " or authorities");
  return context;
}

}  // namespace nacelle::gateway
