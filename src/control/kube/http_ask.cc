#include <utility>

#include "control/kube/address_prober.h"
#include "net/http/client.h"

namespace nacelle::control {
namespace {

constexpr std::size_t kMaxRead = 64 * 1024;

struct Asker {
  explicit Asker(async::Loop& loop) : http(loop, {.max_idle_per_endpoint = 0}) {}
  net::http::HttpClient http;
};

bool is_name(const std::string& host) {
  return host.find(':') == host.npos && host.find_first_not_of("0123456789.") != host.npos;
}

std::string host_of(const std::string& authority) {
  return authority.substr(
      0, authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':'));
}

async::Task<Status> ask_over_http(std::shared_ptr<Asker> self, AddressAsk ask) {
  net::http::ClientOptions options;
  options.connect_timeout = options.head_timeout = options.read_idle_timeout =
      AddressProber::kPatience;
  if (ask.tls) {
    net::TlsClientConfig tls;
    tls.verify = false;
    const std::string host = host_of(ask.authority);
    if (is_name(host)) tls.server_name = host;
    auto context = net::TlsClientContext::create(tls);
    if (!context.ok()) co_return context.error();
    options.tls = *context;
  }
  net::http::RequestHead head;
  head.method = ask.any_answer ? "OPTIONS" : "GET";
  head.target = ask.any_answer ? "*" : ask.path;
  head.headers.add("Host", ask.authority);
  head.headers.add("User-Agent", "nacelle-probe");
  const std::string asked =
      ask.any_answer ? ask.url
                     : ask.url.substr(0, ask.url.find("://") + 3) + ask.authority + ask.path;
  const net::HostPort address{ask.host, ask.port};
  net::http::ClientExchange exchange(self->http);
  const Status sent = co_await exchange.send(address, head, {}, options);
  if (!sent.ok()) co_return unavailable("{} {}: {}", head.method, asked, sent.message());
  const int status = exchange.response().status;
  (void)co_await exchange.read_body(kMaxRead);
  if (ask.any_answer || (status < 500 && status != 404)) co_return Status();
  co_return unavailable("{} {}: {}", head.method, asked, status);
}

}  // namespace

AddressProber::Ask http_ask(async::Loop& loop) {
  return [asker = std::make_shared<Asker>(loop)](AddressAsk ask) {
    return ask_over_http(asker, std::move(ask));
  };
}

}  // namespace nacelle::control
