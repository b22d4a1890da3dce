// retry_budget_test.cc: when all requests fail at once, a fifth of them is tried again and no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "async/event.h"
#include "base/file.h"
#include "gateway/testing/engines.h"
#include "gateway/testing/fixture.h"
#include "net/testing/raw_client.h"
#include "net/testing/test_folder.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::RawClient;
using net::testing::TestFolder;
using testing::base_objects;
using testing::policy;
using testing::route;
using testing::service;
using ::testing::StartsWith;

constexpr int kRequests = 40;

// Fails the first requests all together; those that come again wait, and are then answered.
struct Storm {
  explicit Storm(async::Loop& loop) : all_here(loop), calm(loop) {}
  std::atomic<int> asked{0};
  bool breaks = false;  // fails by a reset, else by 502
  async::Event all_here, calm;

  static Task<void> serve(Storm* self, ServerExchange* exchange) {
    (void)co_await exchange->read_body(1000);
    const int turn = ++self->asked;
    if (turn == kRequests) self->all_here.set();
    const auto until = std::chrono::steady_clock::now() + 20s;
    ResponseHead head;
    if (turn > kRequests) {
      (void)co_await self->calm.wait(until);
    } else {
      (void)co_await self->all_here.wait(until);
      if (self->breaks) {
        exchange->abort();
        co_return;
      }
      head.status = 502;
    }
    (void)co_await exchange->respond(head, "x");
  }
  static Task<void> calm_down(Storm* self) {
    self->calm.set();
    co_return;
  }
};

class RetryBudget : public testing::GatewayFixture {
 public:
  std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }

  // Expects `retries` retries of kRequests that failed; the rest has flag UO.
  void expect_retries(bool breaks, const std::string& breaker, int retries) {
    const TestFolder folder;
    const std::string log = folder.path() / "access.log";
    Storm storm(runtime_.loop(0));
    storm.breaks = breaks;
    start(
        base_objects("  accessLog: {path: " + log + "}") +
        service("s", {upstream([&storm](ServerExchange& e) { return Storm::serve(&storm, &e); })}) +
        route("r",
              "\n  - backendRefs: [{name: s, port: 80}]\n    retry: {codes: [502], attempts: "
              "3, backoff: 1ms}") +
        policy("{kind: Service, name: s}",
               "  traffic: {outlierDetection: {enabled: false}" + breaker + "}"));
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < kRequests; ++i) {
      clients.push_back(std::make_unique<RawClient>(gateway_->port()));
      clients.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    const auto in_hand = [&] {
      return testing::value_of(admin("/metrics"), "nacelle_gateway_active_requests");
    };
    while (storm.asked < kRequests + retries || in_hand() > retries) {
    }
    EXPECT_EQ(storm.asked, kRequests + retries);
    async::run_blocking(runtime_.loop(0), Storm::calm_down(&storm));
    int good = 0;
    for (auto& client : clients) good += client->read_response().starts_with("HTTP/1.1 200 ");
    EXPECT_EQ(good, retries);
    EXPECT_EQ(storm.asked, kRequests + retries);
    EXPECT_NE(admin("/metrics")
                  .find(fmt::format(
                      "upstream_retries_total{{cluster=\"service/default/s/80\"}} {}\n", retries)),
              std::string::npos);
    stop();  // the log is written to its end
    const std::string lines = *read_file(log);
    EXPECT_EQ(count(lines, R"("response_flags":"UO")"),
              static_cast<std::size_t>(kRequests - retries))
        << lines;
    const TimePoint now = std::chrono::steady_clock::now();
    (void)async::run_blocking(runtime_.loop(0), upstreams_.back()->drain(now));
  }
};

TEST_F(RetryBudget, AFifthOfTheRequestsInHandIsTriedAgain) {
  expect_retries(false, "", kRequests / 5);
}

TEST_F(RetryBudget, ConnectionsThatBreakCountAsWell) { expect_retries(true, "", kRequests / 5); }

TEST_F(RetryBudget, ItsShareIsASetting) {
  expect_retries(false, ", circuitBreaker: {retryPercent: 50}", kRequests / 2);
}

TEST_F(RetryBudget, AFewAreAlwaysAllowed) {
  expect_retries(false, ", circuitBreaker: {retryPercent: 0, minRetries: 2}", 2);
}

}  // namespace
}  // namespace nacelle::gateway
