#include "gateway/ai/token_exchange.h"

#include "gateway/tls.h"
#include "net/http/client.h"

namespace nacelle::gateway::ai {

namespace {

constexpr Duration kTimeout = 5s;  // to connect, and then to the head of the answer
constexpr std::size_t kMaxAnswer = std::size_t{64} << 10;

struct Url {
  bool tls = false;
  net::HostPort address;
  std::string target = "/";
};

Result<Url> parse_url(std::string_view text) {
  Url out;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return invalid_argument("token_uri '{}' is no URL", text);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (slash < rest.size()) out.target = std::string(rest.substr(slash));
  ASSIGN_OR_RETURN(out.address, net::parse_host_port(rest.substr(0, slash), out.tls ? 443 : 80));
  return out;
}

}  // namespace

async::Task<Result<std::string>> exchange_token(async::Loop* loop, const TokenRequest* request) {
  auto url = parse_url(request->url);
  if (!url) co_return url.error();
  net::http::ClientOptions options;
  options.connect_timeout = options.head_timeout = options.read_idle_timeout = kTimeout;
  if (url->tls) {
    auto context = make_client_tls({});
    if (!context) co_return context.error();
    options.tls = std::move(*context);
  }
  net::http::RequestHead head;
  head.method = "POST";
  head.target = url->target;
  head.headers.add("host", url->address.host);
  head.headers.add("content-type", request->content_type);
  net::http::HttpClient client(*loop);
  net::http::ClientExchange exchange(client);
  const Status sent = co_await exchange.send(url->address, head, request->body.reveal(), options);
  if (!sent.ok()) co_return sent;
  auto body = co_await exchange.read_body(kMaxAnswer);
  if (!body) co_return body.error();
  const int status = exchange.response().status;
  // The answer's text is not shown: it may repeat the assertion.
  if (status != 200) co_return unavailable("{} answered {}", url->address.to_string(), status);
  co_return std::move(*body);
}

}  // namespace nacelle::gateway::ai
