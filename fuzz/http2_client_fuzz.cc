// links: net
// http2_client_fuzz.cc: whatever an upstream answers over HTTP/2.
//
// The upstream is a socket that takes what is sent to it and says the input, then ends its side.
// The first byte chooses the requests: how many share the connection, and whether one has a body.
//
// Checks: each exchange ends, whatever came; a head that is handed out can be written as one
// HTTP/1.1 head that our strict parser reads with the same status, so that no client can be made to
// read it otherwise; a body with a declared length has that length when it ends well.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "async/loop.h"
#include "async/task_scope.h"
#include "net/http/client.h"
#include "net/http1/head_parser.h"
#include "net/http1/serialize.h"

namespace {

using namespace nacelle;
using namespace nacelle::net;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_downgrade(const http::ResponseHead& head) {
  std::string wire;
  http1::ResponseFraming framing;
  require(http1::append_response_head(wire, head, framing).ok());
  http::ResponseHead again;
  http1::ParsedResponse parsed;
  parsed.head = &again;
  http1::ScanState scan;
  http1::HeadLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_fields = 1000;
  const auto outcome = http1::parse_response_head(wire, "GET", limits, scan, parsed);
  require(outcome.state == http1::ParseState::kDone);
  require(outcome.consumed == wire.size());
  require(again.status == head.status);
}

// Says `input` on every connection, ends its side, and takes what comes until the peer closes.
class Upstream {
 public:
  Upstream() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    require(::listen(listener_, 64) == 0);
    socklen_t size = sizeof(address);
    require(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    std::thread([this] { serve(); }).detach();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void say(std::string input) {
    const std::lock_guard lock(mutex_);
    input_ = std::move(input);
  }

 private:
  void serve() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      require(fd >= 0);
      std::string input;
      {
        const std::lock_guard lock(mutex_);
        input = input_;
      }
      (void)!::send(fd, input.data(), input.size(), MSG_NOSIGNAL);
      (void)::shutdown(fd, SHUT_WR);
      char buffer[65536];
      while (::recv(fd, buffer, sizeof(buffer), 0) > 0) {
      }
      ::close(fd);
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string input_;  // guarded
};

async::Task<void> ask(http::HttpClient* client, std::uint16_t port, std::string body) {
  http::ClientExchange exchange(*client);
  http::RequestHead head;
  head.method = body.empty() ? "GET" : "POST";
  head.target = "/";
  http::ClientOptions options;
  options.protocol = http::Protocol::kHttp2;
  options.connect_timeout = 5s;
  options.head_timeout = options.read_idle_timeout = options.write_timeout = 1s;
  const HostPort to{"127.0.0.1", port};
  const Status sent = co_await exchange.send(to, head, body, options);
  if (!sent.ok()) {
    require(!sent.message().empty());
    co_return;
  }
  check_downgrade(exchange.response());
  const auto length = exchange.content_length();
  const Result<std::string> answer = co_await exchange.read_body(1 << 20);
  if (!answer.ok()) co_return;
  require(!length || *length == answer->size());
  require(exchange.trailers().validate().ok());
}

async::Task<void> run(async::Loop* loop, std::uint16_t port, std::uint8_t choice) {
  http::HttpClientConfig config;
  config.http2.stream_window_bytes = 64 * 1024;
  {
    http::HttpClient client(*loop, config);
    async::StopScope scope(*loop);
    for (int i = 0; i <= choice % 3; ++i)
      scope.spawn(ask(&client, port, (choice & 4) != 0 ? std::string(100'000, 'x') : ""));
    co_await scope.join();
  }
  loop->stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const loop = new async::Loop;
  static auto* const upstream = new Upstream;
  if (size == 0) return 0;
  upstream->say(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  loop->context().restart();
  loop->spawn(run(loop, upstream->port(), data[0]));
  loop->run();
  return 0;
}
