#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <thread>

#include "async/event.h"
#include "async/timer.h"
#include "net/http/client.h"
#include "net/listener.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ClientExchange;
using net::http::HttpServer;
using net::http::ResponseHead;
using net::http::ServerExchange;

// Hands out its addresses in order, never one that was tried.
class ListPicker final : public EndpointPicker {
 public:
  explicit ListPicker(std::vector<std::string> addresses) : addresses_(std::move(addresses)) {}

  Result<std::unique_ptr<PickedEndpoint>> pick(const PickRequest& request,
                                               std::span<const std::string> tried) override {
    last_model = request.model;
    last_prompt = request.prompt;
    for (const std::string& address : addresses_) {
      if (std::find(tried.begin(), tried.end(), address) == tried.end()) {
        return std::unique_ptr<PickedEndpoint>(std::make_unique<Picked>(address, *this));
      }
    }
    return unavailable("no endpoints available for the given request");
  }
  bool any_serving() const override { return true; }
  std::string describe() const override { return "[]\n"; }

  std::string last_model, last_prompt;
  std::vector<std::string> failed;
  std::atomic<int> held{0}, first_bytes{0};

 private:
  class Picked final : public PickedEndpoint {
   public:
    Picked(std::string address, ListPicker& owner) : address_(std::move(address)), owner_(owner) {
      ++owner_.held;
    }
    ~Picked() override { --owner_.held; }
    const std::string& address() const override { return address_; }
    void on_first_byte() override { ++owner_.first_bytes; }
    void on_failure() override { owner_.failed.push_back(address_); }

   private:
    std::string address_;
    ListPicker& owner_;
  };
  std::vector<std::string> addresses_;
};

struct Answer {
  Status status;
  int code = 0;
  std::string body, retry_after, content_type;
  std::vector<std::string> chunks;
};

Task<Answer> fetch(net::http::HttpClient* client, net::HostPort to, std::string method,
                   std::string target, std::string body) {
  net::http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers.add("content-type", "application/json");
  ClientExchange exchange(*client);
  Answer answer;
  answer.status = co_await exchange.send(to, head, body);
  if (!answer.status.ok()) co_return answer;
  answer.code = exchange.response().status;
  answer.retry_after = exchange.response().headers.get("retry-after");
  answer.content_type = exchange.response().headers.get("content-type");
  while (true) {
    auto chunk = co_await exchange.read_chunk();
    if (!chunk) {
      answer.status = chunk.error();
      co_return answer;
    }
    if (chunk->empty()) co_return answer;
    answer.chunks.emplace_back(*chunk);
    answer.body += *chunk;
  }
}

Task<void> respond_json(ServerExchange& exchange, int status, std::string body) {
  ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "application/json");
  (void)co_await exchange.respond(head, body);
}

Task<Status> start_events(ServerExchange& exchange) {
  ResponseHead head;
  head.headers.add("content-type", "text/event-stream; charset=utf-8");
  co_return co_await exchange.start(head);
}

struct Flood {
  std::uint64_t written = 0;
};

// All parts share one loop, so that the test needs no synchronisation.
class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    runtime_.start();
    client_ = std::make_unique<net::http::HttpClient>(runtime_.loop(0));
  }

  void TearDown() override {
    if (gateway_) {
      (void)async::run_blocking(runtime_.loop(0),
                                gateway_->drain(std::chrono::steady_clock::now()));
    }
    for (auto& upstream : upstreams_) {
      (void)async::run_blocking(runtime_.loop(0),
                                upstream->drain(std::chrono::steady_clock::now()));
    }
    async::run_blocking(runtime_.loop(0), destroy(this));
    runtime_.stop();
    runtime_.join();
    gateway_.reset();
    upstreams_.clear();
  }

  static Task<void> destroy(GatewayTest* test) {
    test->client_.reset();
    co_return;
  }
  // On its loop, where its idle connections live.
  static Task<void> destroy_gateway(GatewayTest* test) {
    test->gateway_.reset();
    co_return;
  }

  std::string upstream(net::http::Handler handler) {
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", 0};
    auto server = HttpServer::bind(runtime_, config, std::move(handler));
    EXPECT_TRUE(server) << server.error().message();
    EXPECT_TRUE((*server)->listen().ok());
    upstreams_.push_back(std::move(*server));
    return fmt::format("127.0.0.1:{}", upstreams_.back()->port());
  }

  static std::string dead_address() {
    auto listener = net::Listener::bind({"127.0.0.1", 0}, 1);
    return fmt::format("127.0.0.1:{}", listener->port());  // bound for a moment, never listening
  }

  void start(std::vector<std::string> endpoints, std::function<void(GatewayConfig&)> edit = {}) {
    picker_ = std::make_unique<ListPicker>(std::move(endpoints));
    GatewayConfig config;
    config.listen = {"127.0.0.1", 0};
    config.admin = {"127.0.0.1", 0};
    if (edit) edit(config);
    gateway_ = std::make_unique<Gateway>(runtime_, config, *picker_);
    ASSERT_TRUE(gateway_->bind().ok());
    ASSERT_TRUE(gateway_->listen().ok());
  }

  Answer ask(std::string method, std::string target, std::string body = "") {
    return async::run_blocking(
        runtime_.loop(0), fetch(client_.get(), {"127.0.0.1", gateway_->port()}, std::move(method),
                                std::move(target), std::move(body)));
  }

  Flood flood_;  // outlives the handlers, which end while the parts are drained
  async::Runtime runtime_{1};
  std::unique_ptr<net::http::HttpClient> client_;
  std::vector<std::unique_ptr<HttpServer>> upstreams_;
  std::unique_ptr<ListPicker> picker_;
  std::unique_ptr<Gateway> gateway_;
};

Task<void> echo(ServerExchange& exchange) {
  auto body = co_await exchange.read_body(1 << 20);
  std::string answer =
      fmt::format("{} {} {}", exchange.request().method, exchange.request().target, *body);
  co_await respond_json(exchange, 200, std::move(answer));
}

TEST_F(GatewayTest, PassesARequestAndItsAnswerAndTellsThePicker) {
  start({upstream(echo)});
  const Answer answer = ask("POST", "/v1/completions?x=1", R"({"model":"m","prompt":"abc"})");
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, R"(POST /v1/completions?x=1 {"model":"m","prompt":"abc"})");
  EXPECT_EQ(picker_->last_model, "m");
  EXPECT_EQ(picker_->last_prompt, R"("abc")");
  EXPECT_EQ(picker_->first_bytes, 1);
  EXPECT_EQ(picker_->held, 0);
}

Task<void> three_events(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  (void)co_await start_events(exchange);
  for (int i = 0; i < 3; ++i) {
    const std::string event = fmt::format("data: {}\n\n", i);
    (void)co_await exchange.write(event);
    co_await async::sleep_for(5ms);
  }
  (void)co_await exchange.finish();
}

TEST_F(GatewayTest, PassesEventsOneByOne) {
  start({upstream(three_events)});
  const Answer answer = ask("POST", "/v1/completions", "{}");
  EXPECT_EQ(answer.body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  EXPECT_EQ(answer.chunks.size(), 3u);
  EXPECT_EQ(answer.content_type, "text/event-stream; charset=utf-8");
}

Task<void> break_before_answer(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  exchange.abort();
}

Task<void> break_after_head(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  (void)co_await start_events(exchange);
  (void)co_await exchange.write("");  // the head only
  exchange.abort();
}

Task<void> busy(ServerExchange& exchange) {
  ResponseHead head;
  head.status = 503;
  head.headers.add("retry-after", "7");
  (void)co_await exchange.respond(head, "busy");
}

TEST_F(GatewayTest, TriesAnotherEndpointBeforeTheFirstByte) {
  const std::string dead = dead_address(), cut = upstream(break_before_answer),
                    head = upstream(break_after_head);
  start({dead, cut, head, upstream(echo)},
        [](GatewayConfig& config) { config.limits.max_attempts = 4; });
  const Answer answer = ask("POST", "/v1/completions", "{}");
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, "POST /v1/completions {}");
  EXPECT_EQ(picker_->failed, (std::vector<std::string>{dead, cut, head}));
}

TEST_F(GatewayTest, ABusyEndpointIsPassedOverAndNotMarkedDead) {
  start({upstream(busy), upstream(echo)});
  EXPECT_EQ(ask("POST", "/v1/completions", "{}").code, 200);
  EXPECT_TRUE(picker_->failed.empty());
}

TEST_F(GatewayTest, WhenAllAreBusyTheirAnswerIsGiven) {
  start({upstream(busy), upstream(busy)});
  const Answer answer = ask("POST", "/v1/completions", "{}");
  EXPECT_EQ(answer.code, 503);
  EXPECT_EQ(answer.retry_after, "7");
  EXPECT_EQ(answer.body, "busy");
}

TEST_F(GatewayTest, WhenAllAreDeadItSaysSo) {
  start({dead_address(), dead_address()});
  const Answer answer = ask("POST", "/v1/completions", "{}");
  EXPECT_EQ(answer.code, 503);
  EXPECT_EQ(answer.retry_after, "1");
  EXPECT_NE(answer.body.find(R"("code":503)"), std::string::npos) << answer.body;
}

Task<void> one_event_then_break(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  (void)co_await start_events(exchange);
  (void)co_await exchange.write("data: 1\n\n");
  co_await async::sleep_for(5ms);
  exchange.abort();
}

TEST_F(GatewayTest, AStreamThatBreaksOffEndsWithAnErrorEvent) {
  start({upstream(one_event_then_break)});
  const Answer answer = ask("POST", "/v1/completions", "{}");
  EXPECT_TRUE(answer.status.ok());
  EXPECT_TRUE(answer.body.starts_with("data: 1\n\ndata: {\"error\":")) << answer.body;
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n")) << answer.body;
}

Task<void> half_an_event_then_break(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  (void)co_await start_events(exchange);
  (void)co_await exchange.write("data: 1");
  co_await async::sleep_for(5ms);
  exchange.abort();
}

TEST_F(GatewayTest, AStreamThatBreaksInsideAnEventIsBrokenForTheClientToo) {
  start({upstream(half_an_event_then_break)});
  EXPECT_FALSE(ask("POST", "/v1/completions", "{}").status.ok());
}

TEST_F(GatewayTest, RefusesBodiesBeyondTheLimit) {
  start({upstream(echo)}, [](GatewayConfig& config) { config.limits.body_bytes = 100; });
  const Answer answer = ask("POST", "/v1/completions", std::string(101, ' '));
  EXPECT_EQ(answer.code, 413);
  EXPECT_EQ(ask("POST", "/v1/completions", std::string(100, ' ')).code, 200);
}

TEST_F(GatewayTest, KeepsOperationalPathsInside) {
  start({upstream(echo)});
  EXPECT_EQ(ask("GET", "/metrics").code, 404);
  EXPECT_EQ(ask("GET", "/health").code, 200);
  EXPECT_EQ(ask("GET", "/v1/models").code, 200);
}

struct Departure {
  std::optional<async::Event> upstream_saw;
  bool streaming = false;
};

Task<void> stream_until_gone(Departure* departure, ServerExchange* exchange) {
  async::Event gone(exchange->loop());
  exchange->on_client_gone([&gone] { gone.set(); });
  (void)co_await exchange->read_body(1 << 20);
  if (departure->streaming) {
    (void)co_await start_events(*exchange);
    (void)co_await exchange->write("data: 1\n\n");
  }
  (void)co_await gone.wait();
  exchange->on_client_gone({});
  departure->upstream_saw->set();
}

Task<bool> leave(net::http::HttpClient* client, net::HostPort to, Departure* departure) {
  {
    ClientExchange exchange(*client);
    net::http::RequestHead head;
    head.method = "POST";
    head.target = "/v1/completions";
    if (departure->streaming) {
      (void)co_await exchange.send(to, head, "{}");
      (void)co_await exchange.read_chunk();
    } else {
      net::http::ClientOptions options;
      options.head_timeout = 30ms;  // then the client gives up
      (void)co_await exchange.send(to, head, "{}", options);
    }
    exchange.cancel();
  }
  const Status seen =
      co_await departure->upstream_saw->wait(std::chrono::steady_clock::now() + 10s);
  co_return seen.ok();
}

TEST_F(GatewayTest, AClientThatLeavesCancelsTheUpstreamRequest) {
  for (const bool streaming : {false, true}) {
    Departure departure;
    departure.upstream_saw.emplace(runtime_.loop(0));
    departure.streaming = streaming;
    start({upstream([&departure](ServerExchange& exchange) {
      return stream_until_gone(&departure, &exchange);
    })});
    EXPECT_TRUE(async::run_blocking(
        runtime_.loop(0), leave(client_.get(), {"127.0.0.1", gateway_->port()}, &departure)))
        << (streaming ? "in mid-stream" : "before the answer");
    EXPECT_TRUE(picker_->failed.empty());  // the endpoint is not to blame
    (void)async::run_blocking(runtime_.loop(0), gateway_->drain(std::chrono::steady_clock::now()));
    async::run_blocking(runtime_.loop(0), destroy_gateway(this));
  }
}

Task<void> flood(Flood* flood, ServerExchange* exchange) {
  (void)co_await exchange->read_body(1 << 20);
  (void)co_await start_events(*exchange);
  const std::string chunk = "data: " + std::string(64 << 10, 'x') + "\n\n";
  for (int i = 0; i < 1600; ++i) {  // 100 MB
    const Status written = co_await exchange->write(chunk);
    if (!written.ok()) break;
    flood->written += chunk.size();
  }
}

Task<std::uint64_t> read_little(net::http::HttpClient* client, net::HostPort to, Flood* flood) {
  ClientExchange exchange(*client);
  net::http::RequestHead head;
  head.method = "POST";
  head.target = "/v1/completions";
  (void)co_await exchange.send(to, head, "{}");
  (void)co_await exchange.read_chunk();
  // Nothing is read any more: the flood must come to rest in socket buffers.
  std::uint64_t before = 0;
  do {
    before = flood->written;
    co_await async::sleep_for(50ms);
  } while (flood->written != before);
  co_return flood->written;
}

TEST_F(GatewayTest, AClientThatDoesNotReadStopsTheUpstream) {
  start({upstream([this](ServerExchange& exchange) { return flood(&flood_, &exchange); })});
  const std::uint64_t written = async::run_blocking(
      runtime_.loop(0), read_little(client_.get(), {"127.0.0.1", gateway_->port()}, &flood_));
  EXPECT_LT(written, 40u << 20);
}

}  // namespace
}  // namespace nacelle::gateway
