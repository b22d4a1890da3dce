// eviction_test.cc: a running request whose ticket is taken back gives way to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using testing::Answer;
using testing::base_objects;
using ::testing::HasSubstr;
using testing::pool;
using testing::route;

using Evict = std::function<void(const PickRefusal&)>;

// Picks in turn, and keeps what evicts the last request that holds a ticket.
class Evicting final : public EndpointPicker {
 public:
  Evicting(std::shared_ptr<ClusterPicker> inner, Evict* evict)
      : inner_(std::move(inner)), evict_(evict) {}

  [[nodiscard]] bool has_tickets() const override { return true; }
  Task<Result<std::unique_ptr<PickTicket>>> wait_for_ticket(PickRequest, ServerExchange&) override {
    co_return std::unique_ptr<PickTicket>(std::make_unique<Ticket>(evict_));
  }
  Result<std::unique_ptr<PickedEndpoint>> pick(const PickRequest& request,
                                               std::span<const std::string> tried) override {
    return inner_->pick(request, tried);
  }
  [[nodiscard]] bool any_serving() const override { return inner_->any_serving(); }
  [[nodiscard]] std::string describe() const override { return inner_->describe(); }

 private:
  struct Ticket final : PickTicket {
    explicit Ticket(Evict* evict) : evict(evict) {}
    void on_evicted(Evict evicted) override { *evict = std::move(evicted); }
    Evict* evict;
  };
  std::shared_ptr<ClusterPicker> inner_;
  Evict* evict_;
};

// Asks the gateway for its place while it answers: before the head, or behind a first event.
struct Engine {
  Evict evict;
  bool begun = false;
  int asked = 0;
  bool told = false;  // that the gateway left

  static Task<void> serve(Engine* self, ServerExchange* exchange) {
    ++self->asked;
    (void)co_await exchange->read_body(1 << 20);
    async::Event left(exchange->loop());
    exchange->on_client_gone([&left] { left.set(); });
    if (self->begun) {
      ResponseHead head;
      head.headers.add("content-type", "text/event-stream");
      (void)co_await exchange->start(head);
      (void)co_await exchange->write("data: {\"choices\":[]}\n\n");
    }
    EXPECT_TRUE(self->evict != nullptr) << "nobody listens";
    if (self->evict) {
      self->evict({429, "request evicted by flow control", "evicted"});
      (void)co_await left.wait();
    }
    exchange->abort();
  }
};

class Eviction : public testing::GatewayFixture {
 public:
  Answer ask_both(Engine& engine) {
    pickers_ = [&engine](const ClusterConfig& config) -> Result<std::shared_ptr<EndpointPicker>> {
      return std::shared_ptr<EndpointPicker>(
          std::make_shared<Evicting>(std::make_shared<ClusterPicker>(config), &engine.evict));
    };
    const auto serve = [&engine](ServerExchange& exchange) {
      return Engine::serve(&engine, &exchange);
    };
    start(base_objects() + pool("p", {upstream(serve), upstream(serve)}) + route("r", R"(
  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]})"));
    return ask("POST", "/v1/completions", {}, R"({"model":"m","prompt":"x","stream":true})");
  }
};

TEST_F(Eviction, BeforeTheAnswerIsA429ThatSaysWhy) {
  Engine engine;
  const Answer answer = ask_both(engine);
  EXPECT_EQ(answer.code, 429);
  EXPECT_EQ(answer.headers.get(kDroppedReasonHeader), "evicted");
  EXPECT_THAT(answer.body, HasSubstr("request evicted by flow control"));
  EXPECT_EQ(engine.asked, 1) << "it is not tried on another endpoint";
  EXPECT_TRUE(engine.evict == nullptr) << "nobody listens once the request ended";
  EXPECT_THAT(admin("/endpoints"), ::testing::Not(HasSubstr("ejected")))
      << "not the endpoint's fault";
}

TEST_F(Eviction, OfAnAnswerThatHasBegunEndsItWithAnError) {
  Engine engine;
  engine.begun = true;
  const Answer answer = ask_both(engine);
  EXPECT_EQ(answer.code, 200);
  EXPECT_THAT(answer.body, HasSubstr("data: {\"choices\":[]}\n\n"));
  EXPECT_THAT(answer.body, HasSubstr("\"error\""));
  EXPECT_EQ(engine.asked, 1) << "a stream that gave way is not resumed";
}

}  // namespace
}  // namespace nacelle::gateway
