#include "kube/local_transport.h"

#include <gtest/gtest.h>

#include "async/runtime.h"
#include "async/timer.h"
#include "kube/client.h"

namespace nacelle::kube {
namespace {

using net::http::ResponseHead;
using net::http::ServerExchange;

struct Api {
  explicit Api(async::Task<void> (*handler)(Api*, ServerExchange&)) {
    runtime.start();
    transport = std::make_shared<LocalTransport>(
        runtime.loop(0), [this, handler](ServerExchange& e) { return handler(this, e); });
    changed = std::make_unique<async::Event>(runtime.loop(0));
  }
  ~Api() { run(transport->stop()); }
  template <class T>
  T run(async::Task<T> task) {
    return async::run_blocking(runtime.loop(0), std::move(task));
  }

  async::Runtime runtime{1};
  std::shared_ptr<LocalTransport> transport;
  std::unique_ptr<async::Event> changed;
  std::size_t written = 0;
  bool left = false;
};

async::Task<void> watch_of(Api* api, ServerExchange& exchange) {
  exchange.on_client_gone([api] {
    api->left = true;
    api->changed->pulse();
  });
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("{\"type\":\"ADDED\",\"object\":{\"n\":1}}\n");
  while (!api->left) (void)co_await api->changed->wait();
  const Status late = co_await exchange.write("late");
  EXPECT_EQ(late.code(), Code::kCancelled);
}

async::Task<void> open_and_leave(Api* api) {
  Client client(api->transport);
  {
    Watch watch(client);
    auto refused = co_await watch.open("/api/v1/pods?watch=true");
    EXPECT_TRUE(refused.ok() && !refused->has_value());
    std::vector<WatchEvent> events;
    const Status read = co_await watch.read(events);
    EXPECT_TRUE(read.ok());
    EXPECT_EQ(events.size(), 1u);
  }
  while (!api->left) (void)co_await api->changed->wait();
}

TEST(LocalTransport, AWatcherThatLeavesIsNoticed) {
  Api api(watch_of);
  api.run(open_and_leave(&api));
}

async::Task<void> take_back(Api* api, ServerExchange& exchange) {
  exchange.on_client_gone([api] { api->left = true; });
  const ResponseHead head;
  (void)co_await exchange.start(head);
  const std::string piece(LocalTransport::kMaxHeldBytes, 'x');
  (void)co_await exchange.write(piece);
  const Status late = co_await exchange.write(piece);  // waits until the client has left
  EXPECT_EQ(late.code(), Code::kCancelled);
  exchange.on_client_gone({});
  api->written = piece.size();
  api->changed->pulse();
}

async::Task<void> leave_and_look(Api* api) {
  {
    auto answer = co_await api->transport->send(TransportRequest());
    EXPECT_TRUE(answer.ok());
  }
  while (api->written == 0) (void)co_await api->changed->wait();
  co_await async::sleep_for(1ms);
  EXPECT_FALSE(api->left);
}

TEST(LocalTransport, ACallbackThatWasTakenBackIsNotCalled) {
  Api api(take_back);
  api.run(leave_and_look(&api));
}

// More than the bound waits for the reader.
async::Task<void> flood(Api* api, ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 10; ++i) {
    if (!(co_await exchange.write(piece)).ok()) co_return;
    api->written += piece.size();
    api->changed->pulse();
  }
  (void)co_await exchange.finish();
}

async::Task<void> read_slowly(Api* api) {
  auto answer = co_await api->transport->send(TransportRequest());
  EXPECT_TRUE(answer.ok());
  while (api->written < 200'000) (void)co_await api->changed->wait();
  std::size_t got = 0;
  for (;;) {
    EXPECT_LE(api->written - got, LocalTransport::kMaxHeldBytes);
    auto piece = co_await (*answer)->read();
    EXPECT_TRUE(piece.ok());
    if (piece->empty()) break;
    got += piece->size();
  }
  EXPECT_EQ(got, 1'000'000u);
}

TEST(LocalTransport, ASlowReaderHoldsTheHandlerBack) {
  Api api(flood);
  api.run(read_slowly(&api));
}

async::Task<void> broken(Api*, ServerExchange& exchange) {
  if (exchange.request().target == "/silent") co_return;
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("{\"a\":");
  if (exchange.request().target == "/abort") exchange.abort();
}

async::Task<Result<Answer>> ask(Api* api, std::string target) {
  Client client(api->transport);
  co_return co_await client.call(Call(std::move(target)));
}

TEST(LocalTransport, AnswersThatAreNotCompleteAreErrors) {
  Api api(broken);
  const auto silent = api.run(ask(&api, "/silent"));
  ASSERT_TRUE(silent.ok() && silent->error);
  EXPECT_EQ(silent->error->code, 500);
  for (const char* target : {"/half", "/abort"}) {
    const auto half = api.run(ask(&api, target));
    ASSERT_FALSE(half.ok()) << target;
    EXPECT_EQ(half.error().code(), Code::kDataLoss);
  }
}

async::Task<void> waits(Api* api, ServerExchange& exchange) {
  ++api->written;
  exchange.on_client_gone([api] { api->changed->pulse(); });
  while (!exchange.client_gone()) (void)co_await api->changed->wait();
}

async::Task<void> ask_and_stop(Api* api) {
  async::StopScope scope(api->runtime.loop(0));
  Result<Answer> told = unavailable("nothing yet");
  const auto one = [](Api* api, Result<Answer>* told) -> async::Task<void> {
    *told = co_await ask(api, "/");
  };
  scope.spawn(one(api, &told));
  TransportRequest patient;
  patient.silence = 1ms;
  auto late = co_await api->transport->send(std::move(patient));
  EXPECT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Code::kDeadlineExceeded);
  co_await api->transport->stop();
  co_await scope.join();
  EXPECT_FALSE(told.ok());
  EXPECT_EQ(told.error().code(), Code::kCancelled);
  auto after = co_await ask(api, "/");
  EXPECT_FALSE(after.ok());
  EXPECT_EQ(api->written, 2u);
}

TEST(LocalTransport, StopEndsWhatWaits) {
  Api api(waits);
  api.run(ask_and_stop(&api));
}

}  // namespace
}  // namespace nacelle::kube
