// fixture_test.cc: what fixture.h declares; named so that it is built with the tests only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gateway/testing/fixture.h"

namespace nacelle::gateway::testing {

using async::Task;
using net::http::ClientExchange;
using net::http::HttpServer;

struct ResettingServer::State {
  std::function<std::string(std::size_t)> bytes;
  int listener = -1;
  std::uint16_t port = 0;
  std::atomic<bool> stopping{false};
  std::thread thread;

  void run() {
    for (std::size_t n = 0;; ++n) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (fd < 0 || stopping) {
        if (fd >= 0) ::close(fd);
        return;
      }
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      const std::string text = bytes(n);
      (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      // The bytes arrive before the reset does: wait until the peer has taken them.
      linger hard{1, 0};
      if (!text.empty()) {
        for (int i = 0; i < 50; ++i) {
          int queued = 0;
          tcp_queue(fd, queued);
          if (queued == 0) break;
          std::this_thread::yield();
        }
      }
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      ::close(fd);
    }
  }
  static void tcp_queue(int fd, int& queued);
};

}  // namespace nacelle::gateway::testing

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace nacelle::gateway::testing {

void ResettingServer::State::tcp_queue(int fd, int& queued) { ::ioctl(fd, SIOCOUTQ, &queued); }

ResettingServer::ResettingServer(std::function<std::string(std::size_t)> bytes)
    : state_(std::make_unique<State>()) {
  state_->bytes = std::move(bytes);
  state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(state_->listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(state_->listener, 64), 0);
  socklen_t size = sizeof address;
  ::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size);
  state_->port = ntohs(address.sin_port);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

ResettingServer::~ResettingServer() {
  state_->stopping = true;
  ::shutdown(state_->listener, SHUT_RDWR);  // wakes accept()
  state_->thread.join();
  ::close(state_->listener);
}

std::string ResettingServer::address() const { return fmt::format("127.0.0.1:{}", state_->port); }

namespace {

Task<Answer> fetch(net::http::HttpClient* client, net::HostPort to, std::string method,
                   std::string target, HeaderList headers, std::string body) {
  net::http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  ClientExchange exchange(*client);
  Answer answer;
  answer.status = co_await exchange.send(to, head, body);
  if (!answer.status.ok()) co_return answer;
  answer.code = exchange.response().status;
  answer.headers = exchange.response().headers;
  for (;;) {
    const auto chunk = co_await exchange.read_chunk();
    if (!chunk) {
      answer.status = chunk.error();
      co_return answer;
    }
    if (chunk->empty()) co_return answer;
    answer.body += *chunk;
  }
}

Task<void> destroy(std::unique_ptr<net::http::HttpClient>* client) {
  client->reset();
  co_return;
}

std::string quoted(const std::vector<std::string>& addresses) {
  return addresses.empty() ? "" : fmt::format("\"{}\"", fmt::join(addresses, "\", \""));
}

}  // namespace

void GatewayFixture::SetUp() {
  runtime_.start();
  client_ = std::make_unique<net::http::HttpClient>(runtime_.loop(0));
}

void GatewayFixture::TearDown() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (gateway_) (void)async::run_blocking(runtime_.loop(0), gateway_->drain(now));
  for (auto& server : upstreams_) (void)async::run_blocking(runtime_.loop(0), server->drain(now));
  async::run_blocking(runtime_.loop(0), destroy(&client_));
  runtime_.stop();
  runtime_.join();
  gateway_.reset();
  upstreams_.clear();
}

std::string GatewayFixture::upstream(net::http::Handler handler) {
  net::http::HttpServerConfig config;
  config.address = {"127.0.0.1", 0};
  auto server = HttpServer::bind(runtime_, config, std::move(handler));
  EXPECT_TRUE(server && (*server)->listen().ok());
  upstreams_.push_back(std::move(*server));
  return fmt::format("127.0.0.1:{}", upstreams_.back()->port());
}

Status GatewayFixture::apply(const std::string& yaml) {
  auto model = parse_model({{"test.yaml", yaml}});
  if (!model) return model.error();
  return gateway_->apply(std::move(*model));
}

void GatewayFixture::start(const std::string& yaml) {
  const auto pickers = [](const ClusterConfig& config) -> Result<std::shared_ptr<EndpointPicker>> {
    ClusterConfig plain = config;
    plain.traffic.balance = TrafficConfig::Balance::kRoundRobin;
    return std::shared_ptr<EndpointPicker>(std::make_shared<ClusterPicker>(plain));
  };
  gateway_ =
      std::make_unique<Gateway>(runtime_, pickers_ ? pickers_ : PickerFactory(pickers), options_);
  const Status applied = apply(yaml);
  ASSERT_TRUE(applied.ok()) << applied.message();
  ASSERT_TRUE(gateway_->listen().ok());
}

void GatewayFixture::stop() {
  struct Step {
    static Task<void> end(std::unique_ptr<Gateway>* gateway) {
      (void)co_await (*gateway)->drain(std::chrono::steady_clock::now());
      gateway->reset();
    }
  };
  if (gateway_) async::run_blocking(runtime_.loop(0), Step::end(&gateway_));
}

Answer GatewayFixture::ask_port(std::uint16_t port, const std::string& method,
                                const std::string& target, HeaderList headers, std::string body) {
  return async::run_blocking(runtime_.loop(0), fetch(client_.get(), {"127.0.0.1", port}, method,
                                                     target, std::move(headers), std::move(body)));
}

Answer GatewayFixture::ask(const std::string& method, const std::string& target, HeaderList headers,
                           std::string body) {
  return ask_port(gateway_->port(), method, target, std::move(headers), std::move(body));
}

std::string GatewayFixture::admin(const std::string& path) {
  return ask_port(gateway_->admin_port(), "GET", path).body;
}

std::string base_objects(const std::string& settings) {
  return fmt::format(R"(
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec:
  admin: 127.0.0.1:0
  bindAddress: 127.0.0.1
{}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners: [{{name: http, port: 0, protocol: HTTP}}]
)",
                     settings);
}

namespace {
std::string endpoints(const std::string& group, const std::string& kind, const std::string& name,
                      const std::vector<std::string>& addresses) {
  return fmt::format(R"(
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: StaticEndpoints
metadata: {{name: {2}}}
spec: {{targetRefs: [{{group: "{0}", kind: {1}, name: {2}}}], addresses: [{3}]}}
)",
                     group, kind, name, quoted(addresses));
}
}  // namespace

std::string service(const std::string& name, const std::vector<std::string>& addresses,
                    const std::string& app_protocol) {
  return fmt::format(R"(
---
apiVersion: v1
kind: Service
metadata: {{name: {}}}
spec: {{ports: [{{port: 80, appProtocol: {}}}]}}
)",
                     name, app_protocol) +
         endpoints("", "Service", name, addresses);
}

std::string pool(const std::string& name, const std::vector<std::string>& addresses,
                 const std::string& app_protocol) {
  return fmt::format(R"(
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {{name: {}}}
spec: {{selector: {{matchLabels: {{}}}}, targetPorts: [{{number: 8000}}], appProtocol: {}}}
)",
                     name, app_protocol) +
         endpoints("inference.networking.k8s.io", "InferencePool", name, addresses);
}

std::string route(const std::string& name, const std::string& rules) {
  return fmt::format(R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {}}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
{}
)",
                     name, rules);
}

std::string policy(const std::string& target, const std::string& fields) {
  return fmt::format(R"(
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata: {{name: policy}}
spec:
  targetRefs: [{}]
{}
)",
                     target, fields);
}

}  // namespace nacelle::gateway::testing
