#include "kube/proxy.h"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <optional>

namespace nacelle::kube {
namespace {

namespace ip = boost::asio::ip;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::optional<ip::address> address_of(const std::string& text) {
  boost::system::error_code error;
  const ip::address out = ip::make_address(text, error);
  return error ? std::nullopt : std::optional(out);
}

bool in_network(const ip::address& address, const std::string& network) {
  boost::system::error_code error;
  if (address.is_v4()) {
    const auto whole = ip::make_network_v4(network, error);
    if (error) return false;
    const ip::network_v4 one(address.to_v4(), 32);
    return one == ip::network_v4(whole.network(), 32) || one.is_subnet_of(whole.canonical());
  }
  const auto whole = ip::make_network_v6(network, error);
  if (error) return false;
  const ip::network_v6 one(address.to_v6(), 128);
  return one.is_subnet_of(whole.canonical());
}

bool fits(std::string entry, const std::string& host, std::uint16_t port) {
  if (entry == "*") return true;
  const auto address = address_of(host);
  if (address && entry.find('/') != std::string::npos) return in_network(*address, entry);
  if (const auto other = address_of(entry)) return address && *address == *other;
  if (const std::size_t colon = entry.rfind(':'); colon != std::string::npos) {
    if (entry.substr(colon + 1) != std::to_string(port)) return false;
    entry.resize(colon);
  }
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry == host) return true;
  // "example.com" stands for its subdomains, too; ".example.com" for these alone.
  const std::string suffix = entry.starts_with('.') ? entry : "." + entry;
  return !address && host.size() > suffix.size() && host.ends_with(suffix);
}

}  // namespace

bool goes_directly(const net::HostPort& address, std::string_view no_proxy) {
  const std::string host = lower(address.host);
  const auto literal = address_of(host);
  if (host == "localhost" || (literal && literal->is_loopback())) return true;
  while (!no_proxy.empty()) {
    std::string entry = lower(no_proxy.substr(0, no_proxy.find(',')));
    no_proxy.remove_prefix(std::min(no_proxy.size(), entry.size() + 1));
    std::erase(entry, ' ');
    if (!entry.empty() && fits(std::move(entry), host, address.port)) return true;
  }
  return false;
}

Status refuse_proxy(const ClientConfig& config, const ProxyVariables& variables) {
  const std::string& proxy = config.tls ? variables.https_proxy : variables.http_proxy;
  if (proxy.empty() || goes_directly(config.address, variables.no_proxy)) return {};
  return unimplemented(
      "{} names a proxy, and {} is not in NO_PROXY: API servers are reached directly; add the host "
      "to NO_PROXY",
      config.tls ? "HTTPS_PROXY" : "HTTP_PROXY", config.address.host);
}

}  // namespace nacelle::kube
