#include "apps/nacelle/wake_room.h"

#include <gtest/gtest.h>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::apps {
namespace {

using kube::testing::CapturedExchange;

// A request without a network behind it, whose client can leave.
class Request final : public net::http::ServerExchange {
 public:
  explicit Request(async::Loop& loop) : inner_(loop, {}, "") {}
  net::http::RequestHead& request() override { return inner_.request(); }
  const net::TcpEndpoint& peer() const override { return inner_.peer(); }
  async::Loop& loop() override { return inner_.loop(); }
  std::optional<std::uint64_t> content_length() const override { return 0; }
  async::Task<Result<std::string_view>> read_chunk() override { return inner_.read_chunk(); }
  async::Task<Result<std::string>> read_body(std::size_t limit) override {
    return inner_.read_body(limit);
  }
  async::Task<Status> respond(const net::http::ResponseHead& head, std::string_view body) override {
    return inner_.respond(head, body);
  }
  async::Task<Status> start(const net::http::ResponseHead& head) override {
    return inner_.start(head);
  }
  async::Task<Status> write(std::string_view data) override { return inner_.write(data); }
  async::Task<Status> finish(std::string_view last) override { return inner_.finish(last); }
  async::Task<Status> inform(const net::http::ResponseHead&) override { co_return Status(); }
  bool started() const override { return false; }
  bool finished() const override { return false; }
  bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> call) override { on_gone_ = std::move(call); }
  void close_after() override {}
  void abort() override {}

  void leave() {
    gone_ = true;
    if (on_gone_) on_gone_();
  }

 private:
  CapturedExchange inner_;
  bool gone_ = false;
  std::function<void()> on_gone_;
};

struct Visit {
  explicit Visit(async::Loop& loop) : request(loop) {}
  Request request;
  std::optional<Status> left;
};

async::Task<void> visit(WakeRoom* room, Visit* visit, TimePoint deadline = TimePoint::max()) {
  visit->left = co_await room->wait(deadline, visit->request);
}

class WakeRoomTest : public ::testing::Test {
 protected:
  ~WakeRoomTest() override {
    runtime_.stop();
    runtime_.join();
  }
  void SetUp() override { runtime_.start(); }
  async::Loop& loop() { return runtime_.loop(0); }
  void run(async::Task<void> task) { async::run_blocking(loop(), std::move(task)); }

  async::Runtime runtime_{1};
  int calls_ = 0;
};

async::Task<void> all_go_on(async::Loop* loop, int* calls) {
  WakeRoom room({.most = 3, .wanted = [calls] { ++*calls; }});
  async::StopScope scope(*loop);
  Visit awake(*loop);
  co_await visit(&room, &awake);
  EXPECT_TRUE(awake.left->ok());
  EXPECT_EQ(*calls, 0);

  room.set_asleep(true);
  Visit a(*loop), b(*loop), c(*loop), full(*loop);
  for (Visit* one : {&a, &b, &c}) scope.spawn(visit(&room, one));
  while (room.held() < 3) {
    const Duration turn = 1ms;
    co_await async::sleep_for(turn);
  }
  co_await visit(&room, &full);
  EXPECT_EQ(full.left->code(), Code::kResourceExhausted);
  EXPECT_EQ(*calls, 1);  // the first calls for all
  b.request.leave();
  room.set_asleep(false);
  co_await scope.join();
  EXPECT_TRUE(a.left->ok());
  EXPECT_EQ(b.left->code(), Code::kCancelled);
  EXPECT_TRUE(c.left->ok());
  EXPECT_EQ(room.held(), 0u);
}

TEST_F(WakeRoomTest, OneCallsAndAllGoOn) { run(all_go_on(&loop(), &calls_)); }

async::Task<void> impatient(async::Loop* loop, int* calls) {
  WakeRoom room({.most = 3, .patience = 1ms, .wanted = [calls] { ++*calls; }});
  room.set_asleep(true);
  Visit late(*loop), other(*loop);
  co_await visit(&room, &late);
  EXPECT_EQ(late.left->code(), Code::kDeadlineExceeded);
  EXPECT_NE(late.left->message().find("no endpoint"), std::string::npos);
  co_await visit(&room, &other, std::chrono::steady_clock::now());
  EXPECT_EQ(other.left->code(), Code::kDeadlineExceeded);
  EXPECT_EQ(*calls, 2);
  EXPECT_EQ(room.held(), 0u);
}

TEST(WakeRoomOptions, AreTheReferences) {
  EXPECT_EQ(WakeRoom::Options().most, 1000u);
  EXPECT_EQ(WakeRoom::Options().patience, 300s);
}

TEST_F(WakeRoomTest, PatienceEnds) { run(impatient(&loop(), &calls_)); }

async::Task<void> nobody_stays(async::Loop* loop, int* calls) {
  WakeRoom room({.most = 3, .wanted = [calls] { ++*calls; }});
  async::StopScope scope(*loop);
  room.set_asleep(true);
  Visit waits(*loop), late(*loop);
  scope.spawn(visit(&room, &waits));
  while (room.held() < 1) {
    const Duration turn = 1ms;
    co_await async::sleep_for(turn);
  }
  room.close();
  co_await scope.join();
  EXPECT_EQ(waits.left->code(), Code::kUnavailable);
  co_await visit(&room, &late);
  EXPECT_EQ(late.left->code(), Code::kUnavailable);
  EXPECT_EQ(*calls, 1);
}

TEST_F(WakeRoomTest, APoolThatGoesRefusesThem) { run(nobody_stays(&loop(), &calls_)); }

}  // namespace
}  // namespace nacelle::apps
