// model_name_test.cc: an engine is asked for another model, the client reads the name that it sent.
#include <gtest/gtest.h>

#include "async/timer.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using testing::Answer;
using testing::base_objects;
using testing::pool;
using testing::route;

// Sends every request to model "b".
class Retargeting final : public EndpointPicker {
 public:
  explicit Retargeting(std::shared_ptr<ClusterPicker> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] bool has_tickets() const override { return true; }
  Task<Result<std::unique_ptr<PickTicket>>> wait_for_ticket(PickRequest, ServerExchange&) override {
    co_return std::unique_ptr<PickTicket>(std::make_unique<Ticket>());
  }
  Result<std::unique_ptr<PickedEndpoint>> pick(const PickRequest& request,
                                               std::span<const std::string> tried) override {
    return inner_->pick(request, tried);
  }
  [[nodiscard]] bool any_serving() const override { return inner_->any_serving(); }
  [[nodiscard]] std::string describe() const override { return inner_->describe(); }

 private:
  struct Ticket final : PickTicket {
    [[nodiscard]] std::string_view target_model() const override { return "b"; }
  };
  std::shared_ptr<ClusterPicker> inner_;
};

struct Engine {
  std::vector<std::string> pieces;
  std::string type = "application/json";
  int status = 200;
  bool declare_length = false;
  std::vector<std::string> asked;

  static Task<void> serve(Engine* self, ServerExchange* exchange) {
    auto body = co_await exchange->read_body(1 << 20);
    self->asked.push_back(body ? *body : "");
    ResponseHead head;
    head.status = self->status;
    head.headers.add("content-type", self->type);
    std::size_t size = 0;
    for (const std::string& piece : self->pieces) size += piece.size();
    if (self->declare_length) head.headers.add("content-length", std::to_string(size));
    (void)co_await exchange->start(head);
    for (const std::string& piece : self->pieces) {
      (void)co_await exchange->write(piece);
      co_await async::sleep_for(1ms);
    }
    (void)co_await exchange->finish();
  }
};

class ModelName : public testing::GatewayFixture {
 public:
  Answer post(Engine& engine, const std::string& model) {
    if (!gateway_) {
      pickers_ = [](const ClusterConfig& config) -> Result<std::shared_ptr<EndpointPicker>> {
        return std::shared_ptr<EndpointPicker>(
            std::make_shared<Retargeting>(std::make_shared<ClusterPicker>(config)));
      };
      start(base_objects() + pool("p", {upstream([&engine](ServerExchange& exchange) {
                                    return Engine::serve(&engine, &exchange);
                                  })}) +
            route("r", R"(
  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]})"));
    }
    return ask("POST", "/v1/completions", {}, fmt::format(R"({{"model":"{}"}})", model));
  }
};

TEST_F(ModelName, IsTheClientsInWholeAnswersOfAnyLength) {
  Engine engine;
  engine.declare_length = true;
  // The first piece is as long as the whole once the longer name stands in it.
  engine.pieces = {R"({"id":"1","model":"b","text":")", "123456789\"}"};
  const Answer answer = post(engine, "a-longer-name");
  EXPECT_EQ(answer.body, R"({"id":"1","model":"a-longer-name","text":"123456789"})");
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  ASSERT_EQ(engine.asked.size(), 1u);
  EXPECT_EQ(engine.asked[0], R"({"model":"b"})");
  for (const char* name : {"a", "bb", "a-longer-nam"})
    EXPECT_EQ(post(engine, name).body,
              fmt::format(R"({{"id":"1","model":"{}","text":"123456789"}})", name));
  EXPECT_EQ(post(engine, "b").body, engine.pieces[0] + engine.pieces[1]);
}

TEST_F(ModelName, IsTheClientsInStreamsWhereverAPieceEnds) {
  Engine engine;
  engine.type = "text/event-stream";
  const std::string event = R"(data: {"model":"b","choices":[{"text":"x"}]})"
                            "\n\n";
  const std::string expected = R"(data: {"model":"client","choices":[{"text":"x"}]})"
                               "\n\n";
  for (std::size_t cut = 0; cut <= event.size(); cut += 3) {
    engine.pieces = {event + event.substr(0, cut), event.substr(cut) + "data: [DONE]\n\n"};
    if (cut == 0) engine.pieces[0] += event.substr(0, 1), engine.pieces[1].erase(0, 1);
    EXPECT_EQ(post(engine, "client").body, expected + expected + "data: [DONE]\n\n") << cut;
  }
}

TEST_F(ModelName, IsTheClientsInTheLastAnswerOfThoseThatFailed) {
  Engine engine;
  engine.status = 503;
  engine.pieces = {R"({"error":{"message":"full"},"model":"b"})"};
  const Answer answer = post(engine, "client");
  EXPECT_EQ(answer.code, 503);
  EXPECT_EQ(answer.body, R"({"error":{"message":"full"},"model":"client"})");
}

}  // namespace
}  // namespace nacelle::gateway
