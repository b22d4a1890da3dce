#include "net/address.h"

#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include "async/timer.h"

namespace nacelle::net {

namespace asio = boost::asio;

std::string HostPort::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string to_string(const TcpEndpoint& endpoint) {
  return HostPort{endpoint.address().to_string(), endpoint.port()}.to_string();
}

std::string ip_text(const TcpEndpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  if (!address.is_v4()) return address.to_string();
  char text[16];
  char* at = text;
  for (const unsigned char byte : address.to_v4().to_bytes()) {
    if (at != text) *at++ = '.';
    at = std::to_chars(at, text + sizeof(text), byte).ptr;
  }
  return {text, at};
}

namespace {

bool is_host(std::string_view text) {
  for (char c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    if (!fine) return false;
  }
  return text.size() <= 255;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text, int default_port) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return invalid_argument("{}: missing ']'", text);
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (rest.starts_with(':')) {
      port = rest.substr(1);
    } else if (!rest.empty()) {
      return invalid_argument("{}: unexpected text after ']'", text);
    }
    if (host.find(':') == std::string_view::npos) {
      return invalid_argument("{}: brackets need an IPv6 address", text);
    }
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) != std::string_view::npos) {
      boost::system::error_code error;
      (void)asio::ip::make_address_v6(std::string(text), error);
      if (error || default_port < 0) {
        return invalid_argument("{}: an IPv6 address with a port needs brackets", text);
      }
    } else {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
    }
  }
  if (!is_host(host)) return invalid_argument("{}: invalid character in the host", text);
  HostPort address{std::string(host), 0};
  if (!port.has_value()) {
    if (default_port < 0) return invalid_argument("{}: the port is missing", text);
    address.port = static_cast<std::uint16_t>(default_port);
    return address;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port->data(), port->data() + port->size(), value);
  if (error != std::errc() || end != port->data() + port->size() || value > 65535) {
    return invalid_argument("{}: the port is not a number from 0 to 65535", text);
  }
  address.port = static_cast<std::uint16_t>(value);
  return address;
}

std::optional<TcpEndpoint> literal_endpoint(const HostPort& address) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) return std::nullopt;
  return TcpEndpoint(ip, address.port);
}

namespace {

using Resolver = asio::ip::basic_resolver<asio::ip::tcp, async::Executor>;

// A resolve that is abandoned at its deadline finishes later on the helper thread.
async::Task<Result<std::vector<TcpEndpoint>>> look_up(HostPort address) {
  const async::Executor executor = co_await asio::this_coro::executor;
  Resolver resolver(executor);
  const auto flags = asio::ip::resolver_base::numeric_service;
  const std::string service = std::to_string(address.port);
  auto [error, entries] =
      co_await resolver.async_resolve(address.host, service, flags, async::as_tuple);
  if (error) co_return unavailable("cannot resolve {}: {}", address.host, error.message());
  std::vector<TcpEndpoint> endpoints;
  for (const auto& entry : entries) endpoints.push_back(entry.endpoint());
  if (endpoints.empty()) co_return unavailable("{} has no address", address.host);
  co_return endpoints;
}

}  // namespace

async::Task<Result<std::vector<TcpEndpoint>>> resolve(HostPort address, TimePoint deadline) {
  if (address.host.empty()) co_return invalid_argument("the host is empty");
  if (const auto literal = literal_endpoint(address)) {
    co_return std::vector<TcpEndpoint>{*literal};
  }
  std::string what = "resolving " + address.host;
  auto operation = look_up(std::move(address));
  auto result = co_await async::with_deadline(std::move(operation), deadline, std::move(what));
  co_return result;
}

}  // namespace nacelle::net
