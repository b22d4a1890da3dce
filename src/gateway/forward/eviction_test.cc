// eviction_test.cc: a running request whose ticket is taken back gives way to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

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
using ::testing::Not;
using testing::pool;
using testing::route;
using ::testing::StartsWith;

using Evict = std::function<void(const PickRefusal&)>;

// Wants the request's place back while an engine answers: before the head, or behind a first event.
struct Eviction {
  bool behind_the_first_event = false;
  Evict tell;  // of the request that holds the ticket
  int asked = 0;

  void happen() {
    ASSERT_TRUE(tell != nullptr) << "nobody listens";
    const Evict now = std::exchange(tell, nullptr);
    now({429, "request evicted by flow control", "evicted"});
  }
};

// An endpoint that says when the gateway has its first byte.
class Picked final : public PickedEndpoint {
 public:
  Picked(std::unique_ptr<PickedEndpoint> inner, Eviction& eviction)
      : inner_(std::move(inner)), eviction_(eviction) {}
  [[nodiscard]] const std::string& address() const override { return inner_->address(); }
  void on_first_byte() override {
    inner_->on_first_byte();
    if (!eviction_.behind_the_first_event) return;
    // Behind the turn in which the answer begins.
    async::Loop* const loop = async::Loop::current();
    loop->post([loop, own = &eviction_] { loop->post([own] { own->happen(); }); });
  }
  void on_failure() override { inner_->on_failure(); }

 private:
  std::unique_ptr<PickedEndpoint> inner_;
  Eviction& eviction_;
};

class Evicting final : public EndpointPicker {
 public:
  Evicting(std::shared_ptr<ClusterPicker> inner, Eviction& eviction)
      : inner_(std::move(inner)), eviction_(eviction) {}

  [[nodiscard]] bool has_tickets() const override { return true; }
  Task<Result<std::unique_ptr<PickTicket>>> wait_for_ticket(PickRequest, ServerExchange&) override {
    co_return std::unique_ptr<PickTicket>(std::make_unique<Ticket>(eviction_));
  }
  Result<std::unique_ptr<PickedEndpoint>> pick(const PickRequest& request,
                                               std::span<const std::string> tried) override {
    auto inner = inner_->pick(request, tried);
    if (!inner) return inner.error();
    return std::unique_ptr<PickedEndpoint>(std::make_unique<Picked>(std::move(*inner), eviction_));
  }
  [[nodiscard]] bool any_serving() const override { return inner_->any_serving(); }
  [[nodiscard]] std::string describe() const override { return inner_->describe(); }

 private:
  struct Ticket final : PickTicket {
    explicit Ticket(Eviction& own) : eviction(own) {}
    void on_evicted(Evict evicted) override { eviction.tell = std::move(evicted); }
    Eviction& eviction;
  };
  std::shared_ptr<ClusterPicker> inner_;
  Eviction& eviction_;
};

// Answers nothing, or a first event, and waits until the gateway leaves.
Task<void> serve(Eviction* eviction, ServerExchange* exchange) {
  ++eviction->asked;
  (void)co_await exchange->read_body(1 << 20);
  async::Event left(exchange->loop());
  exchange->on_client_gone([&left] { left.set(); });
  if (eviction->behind_the_first_event) {
    ResponseHead head;
    head.headers.add("content-type", "text/event-stream");
    (void)co_await exchange->start(head);
    (void)co_await exchange->write("data: {\"choices\":[]}\n\n");
  } else {
    eviction->happen();
  }
  (void)co_await left.wait();
  exchange->abort();
}

class Evictions : public testing::GatewayFixture {
 public:
  Answer ask_both(Eviction& eviction) {
    pickers_ = [&eviction](const ClusterConfig& config) -> Result<std::shared_ptr<EndpointPicker>> {
      return std::shared_ptr<EndpointPicker>(
          std::make_shared<Evicting>(std::make_shared<ClusterPicker>(config), eviction));
    };
    const auto engine = [&eviction](ServerExchange& exchange) {
      return serve(&eviction, &exchange);
    };
    start(base_objects() + pool("p", {upstream(engine), upstream(engine)}) + route("r", R"(
  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]})"));
    return ask("POST", "/v1/completions", {}, R"({"model":"m","prompt":"x","stream":true})");
  }
};

TEST_F(Evictions, BeforeTheAnswerAreA429ThatSaysWhy) {
  Eviction eviction;
  const Answer answer = ask_both(eviction);
  EXPECT_EQ(answer.code, 429);
  EXPECT_EQ(answer.headers.get(kDroppedReasonHeader), "evicted");
  EXPECT_THAT(answer.body, HasSubstr("request evicted by flow control"));
  EXPECT_EQ(eviction.asked, 1) << "it is not tried on another endpoint";
  EXPECT_TRUE(eviction.tell == nullptr) << "nobody listens once the request ended";
  const std::string endpoints = admin("/endpoints");
  EXPECT_THAT(endpoints, HasSubstr("\"healthy\":true"));
  EXPECT_THAT(endpoints, Not(HasSubstr("\"healthy\":false"))) << "not the endpoint's fault";
  EXPECT_THAT(endpoints, Not(HasSubstr("\"ejected\":true")));
}

TEST_F(Evictions, OfAnAnswerThatHasBegunEndItWithAnError) {
  Eviction eviction;
  eviction.behind_the_first_event = true;
  const Answer answer = ask_both(eviction);
  EXPECT_EQ(answer.code, 200);
  EXPECT_THAT(answer.body, StartsWith("data: {\"choices\":[]}\n\n"));
  EXPECT_THAT(answer.body, HasSubstr("\"error\""));
  EXPECT_THAT(answer.body, HasSubstr("request evicted by flow control"));
  EXPECT_EQ(eviction.asked, 1) << "a stream that gave way is not resumed";
}

}  // namespace
}  // namespace nacelle::gateway
