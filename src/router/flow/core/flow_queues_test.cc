#include "router/flow/core/flow_queues.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::router::flow {
namespace {

TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(ms)); }

// Queues and the tickets in them, by name.
class FlowQueuesTest : public ::testing::Test {
 protected:
  struct Named : Ticket {
    std::string name;
  };

  void start(const FlowControlConfig& config) { queues = std::make_unique<FlowQueues>(config); }

  FlowQueues::Enqueued add(const std::string& name, const std::string& flow, int priority, int ms,
                           std::uint64_t bytes = 1, Duration slo = {}, Duration ttl = {}) {
    auto ticket = std::make_unique<Named>();
    ticket->name = name;
    ticket->bytes = bytes;
    ticket->received = at(ms);
    ticket->slo_ttft = slo;
    ticket->ttl = ttl;
    const auto result = queues->enqueue(*ticket, flow, priority, at(ms));
    tickets.push_back(std::move(ticket));
    return result;
  }

  std::string dispatch(double saturation = 0, int ms = 1000) {
    Ticket* ticket = queues->dispatch(saturation, at(ms));
    return ticket == nullptr ? "" : static_cast<Named*>(ticket)->name;
  }
  std::string dispatch_all(int ms = 1000) {
    std::string order;
    for (std::string next = dispatch(0, ms); !next.empty(); next = dispatch(0, ms)) order += next;
    return order;
  }
  std::string expire(int ms) {
    std::string names;
    while (Ticket* ticket = queues->expire(at(ms))) names += static_cast<Named*>(ticket)->name;
    return names;
  }

  void TearDown() override {
    while (Ticket* ticket = queues->first_to_expire()) queues->remove(*ticket, at(0));
  }

  std::vector<std::unique_ptr<Named>> tickets;
  std::unique_ptr<FlowQueues> queues;
};

constexpr auto kQueued = FlowQueues::Enqueued::kQueued;

TEST_F(FlowQueuesTest, HigherBandsGoFirst) {
  start({});
  add("a", "x", 0, 1);
  add("b", "x", -1, 0);
  add("c", "x", 7, 2);
  EXPECT_EQ(dispatch_all(), "cab");
}

TEST_F(FlowQueuesTest, TheHighestWaitingBandBlocksAllBelowIt) {
  FlowControlConfig config;
  config.usage_limit = {.kind = UsageLimitKind::kPriorityHoldback, .min_ceiling = 0.4};
  config.bands[1] = {};
  start(config);
  add("low", "x", 0, 0);
  EXPECT_EQ(dispatch(0.5), "");  // ceiling of the lower band is 0.4
  add("high", "x", 1, 0);
  EXPECT_EQ(dispatch(1.0), "");
  EXPECT_EQ(dispatch(0.5), "high");
  EXPECT_EQ(dispatch(0.5), "");
  EXPECT_EQ(dispatch(0.3), "low");
}

TEST_F(FlowQueuesTest, SoftCeilingLetsTheLowestBandPassNowAndThen) {
  FlowControlConfig config;
  config.usage_limit.kind = UsageLimitKind::kSoftReflectiveCeiling;
  config.bands[1] = {};
  start(config);
  for (const char* name : {"a", "b", "c"}) add(name, "x", 0, 0);
  std::string trace;
  for (int cycle = 0; cycle < 12; ++cycle) {
    const std::string name = dispatch(0.75);  // period round(0.75 / 0.25) = 3
    trace += name.empty() ? "." : name;
  }
  EXPECT_EQ(trace, "...a...b...c");
  EXPECT_EQ(dispatch(1.0), "");
}

TEST_F(FlowQueuesTest, OrderingPoliciesSortWithinAFlow) {
  FlowControlConfig config;
  config.bands[1].ordering = OrderingKind::kFcfs;
  config.bands[2].ordering = OrderingKind::kEdf;
  config.bands[3].ordering = OrderingKind::kSloDeadline;
  start(config);
  for (const int priority : {3, 2, 1}) {
    add("a", "x", priority, 0, 1, {}, 900ms);
    add("b", "x", priority, 10, 1, 500ms, 100ms);
    add("c", "x", priority, 20, 1, 100ms, 500ms);
  }
  EXPECT_EQ(dispatch_all(),
            "cba"
            "bca"
            "abc");
}

TEST_F(FlowQueuesTest, RoundRobinServesEachFlowInTurn) {
  FlowControlConfig config;
  config.default_band.fairness = FairnessKind::kRoundRobin;
  start(config);
  for (const char* name : {"1", "2", "3"}) add(name, "heavy", 0, 0);
  add("a", "light", 0, 5);
  add("b", "light", 0, 6);
  EXPECT_EQ(dispatch_all(), "1a2b3");
}

TEST_F(FlowQueuesTest, ProgramAwareServesTheLeastServedUntilServiceIsForgotten) {
  FlowControlConfig config;
  config.default_band.fairness = FairnessKind::kProgramAware;
  start(config);
  queues->served(0, "heavy", 10'000, 5'000, at(0));
  queues->served(0, "light", 100, 10, at(0));
  add("h", "heavy", 0, 0);
  add("l", "light", 0, 1);
  EXPECT_EQ(dispatch_all(), "lh");
  // A light one that came later than a heavy one by far: waiting counts 0.2, service 0.8.
  add("h", "heavy", 0, 1000);
  add("l", "light", 0, 3000);
  EXPECT_EQ(dispatch_all(4000), "lh");
  // Within the waiting flows norms are relative, so equal service leaves the wait to decide.
  queues->served(0, "light", 20'000 - 120, 0, at(0));
  add("h", "heavy", 0, 5000);
  add("l", "light", 0, 5001);
  EXPECT_EQ(dispatch_all(6000), "hl");
}

TEST_F(FlowQueuesTest, LimitsHoldPerBandAndInAll) {
  FlowControlConfig config;
  config.max_requests = 3;
  config.max_bytes = 100;
  config.default_band.max_requests = 2;
  config.default_band.max_bytes = 50;
  start(config);
  EXPECT_EQ(add("a", "x", 0, 0, 10), kQueued);
  EXPECT_EQ(add("b", "x", 0, 0, 41), FlowQueues::Enqueued::kBandFull);
  EXPECT_EQ(add("c", "y", 0, 0, 40), kQueued);
  EXPECT_EQ(add("d", "z", 0, 0, 0), FlowQueues::Enqueued::kBandFull);
  EXPECT_EQ(add("e", "z", -1, 0, 51), FlowQueues::Enqueued::kPoolFull);
  EXPECT_EQ(add("f", "z", -1, 0, 50), kQueued);
  EXPECT_EQ(add("g", "z", 5, 0, 0), FlowQueues::Enqueued::kPoolFull);
  EXPECT_EQ(dispatch_all(), "acf");
}

TEST_F(FlowQueuesTest, ABodyLargerThanTheNumbersCanHoldIsRefused) {
  start({});
  EXPECT_EQ(add("a", "x", 0, 0, 10), kQueued);
  EXPECT_EQ(add("b", "x", 0, 0, UINT64_MAX), FlowQueues::Enqueued::kBandFull);
}

TEST_F(FlowQueuesTest, PatienceStartsAnewWhenThePoolEmptiesOrFills) {
  FlowControlConfig config;
  config.default_request_ttl = 100ms;
  config.no_endpoint_request_ttl = 30ms;
  start(config);
  add("a", "x", 0, 0);
  EXPECT_EQ(expire(99), "");
  queues->set_pool_empty(true, at(99));
  EXPECT_EQ(dispatch(0), "");  // nobody to send it to
  EXPECT_EQ(expire(128), "");
  queues->set_pool_empty(false, at(128));
  EXPECT_EQ(expire(227), "");
  EXPECT_EQ(expire(228), "a");
}

TEST_F(FlowQueuesTest, NoPatienceWithAnEmptyPoolRefusesAtOnce) {
  FlowControlConfig config;
  config.no_endpoint_request_ttl = Duration::zero();
  start(config);
  add("a", "x", 0, 0);
  queues->set_pool_empty(true, at(5));
  EXPECT_EQ(add("b", "x", 0, 5), FlowQueues::Enqueued::kNoEndpoints);
  EXPECT_EQ(expire(5), "a");
}

TEST_F(FlowQueuesTest, WithoutTtlNothingExpires) {
  FlowControlConfig config;
  config.default_request_ttl = Duration::zero();
  start(config);
  add("a", "x", 0, 0);
  add("b", "x", 0, 0, 1, {}, 10ms);  // asks for its own
  EXPECT_EQ(expire(1'000'000'000), "b");
}

TEST_F(FlowQueuesTest, IdleFlowsAndDynamicBandsGo) {
  start({});
  add("a", "x", 9, 0);
  EXPECT_EQ(queues->bands().size(), 2u);
  EXPECT_EQ(dispatch(0, 1000), "a");
  const auto later = [](auto duration) { return at(1000) + duration; };
  queues->collect_garbage(later(std::chrono::minutes(5)) - 1ms);
  EXPECT_EQ(queues->num_flows(), 1u);
  queues->collect_garbage(later(std::chrono::minutes(5)));
  EXPECT_EQ(queues->num_flows(), 0u);
  EXPECT_EQ(queues->bands().size(), 2u);
  queues->collect_garbage(later(std::chrono::minutes(10)));
  EXPECT_EQ(queues->bands().size(), 1u);
}

TEST_F(FlowQueuesTest, ClientsCannotGrowFlowsOrBandsWithoutBound) {
  FlowControlConfig config;
  config.max_flows = 3;
  config.max_dynamic_bands = 2;
  start(config);
  for (int i = 0; i < 10; ++i) {  // idle flows make place
    add("a", "flow" + std::to_string(i), 0, i);
    EXPECT_EQ(dispatch(0, i), "a");
    EXPECT_LE(queues->num_flows(), 3u);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(add("b", std::to_string(i), 0, 0), kQueued);
  EXPECT_EQ(add("c", "3", 0, 0), FlowQueues::Enqueued::kTooManyFlows);
  EXPECT_EQ(add("c", "2", 0, 0), kQueued);
  for (const int priority : {1, 2, 3, 4}) (void)queues->band_of(priority, at(0));
  EXPECT_EQ(queues->bands().size(), 3u);
  EXPECT_EQ(queues->band_of(4, at(0)).priority(), 0);
}

}  // namespace
}  // namespace nacelle::router::flow
