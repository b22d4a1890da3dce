// Random operations against a model that keeps all waiting requests in one vector and looks through
// it for every decision. NACELLE_TEST_SEED repeats a run.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "router/flow/core/flow_queues.h"

namespace nacelle::router::flow {
namespace {

struct Request : Ticket {
  std::string flow_id;
  int band = 0;
  std::uint64_t order = 0;  // of arrival
  int outcomes = 0;
};

struct Service {
  std::string flow;
  int band;
  double tokens;
  TimePoint time;
};

class Model {
 public:
  Model(const FlowControlConfig& config) : config_(config) {
    for (const auto& [priority, band] : config.bands) bands_[priority] = band;
    bands_.try_emplace(0, config.default_band);
  }

  int band_for(int priority) {
    if (bands_.contains(priority)) return priority;
    if (dynamic_ >= config_.max_dynamic_bands) return 0;
    ++dynamic_;
    bands_[priority] = priority < 0 ? config_.default_negative_band : config_.default_band;
    return priority;
  }

  bool fits(int band, std::uint64_t bytes) const {
    std::uint64_t n = 1, sum = bytes, band_n = 1, band_sum = bytes;
    for (const Request* r : waiting) {
      n += 1, sum += r->bytes;
      if (r->band == band) band_n += 1, band_sum += r->bytes;
    }
    const BandConfig& limits = bands_.at(band);
    return n <= config_.max_requests && sum <= config_.max_bytes && band_n <= limits.max_requests &&
           band_sum <= limits.max_bytes;
  }

  // Whether dispatching `got` (maybe null) is right.
  ::testing::AssertionResult check_dispatch(const Request* got, double saturation, TimePoint now) {
    int top = INT32_MIN;
    for (const Request* r : waiting) top = std::max(top, r->band);
    const bool open = !waiting.empty() && !pool_empty && saturation < ceiling(top);
    if (!open) {
      if (got == nullptr) return ::testing::AssertionSuccess();
      return ::testing::AssertionFailure() << "dispatched although closed";
    }
    if (got == nullptr) return ::testing::AssertionFailure() << "did not dispatch";
    if (got->band != top) return ::testing::AssertionFailure() << "band " << got->band;
    std::map<std::string, const Request*> heads;
    for (const Request* r : waiting) {
      if (r->band != top) continue;
      const Request*& head = heads[r->flow_id];
      if (head == nullptr || earlier(*r, *head)) head = r;
    }
    if (heads.at(got->flow_id) != got) return ::testing::AssertionFailure() << "order in the flow";
    switch (bands_.at(top).fairness) {
      case FairnessKind::kGlobalStrict:
        for (const auto& [id, head] : heads) {
          if (earlier(*head, *got)) return ::testing::AssertionFailure() << "a better head waits";
        }
        break;
      case FairnessKind::kRoundRobin: {
        std::string& last = cursor_[top];
        auto next = heads.upper_bound(last);
        if (next == heads.end()) next = heads.begin();
        if (next->first != got->flow_id) return ::testing::AssertionFailure() << "out of turn";
        last = got->flow_id;
        break;
      }
      case FairnessKind::kProgramAware: {
        const double best = program_score(heads, top, "", now);
        if (program_score(heads, top, got->flow_id, now) < best - 1e-9) {
          return ::testing::AssertionFailure() << "a better program waits";
        }
      }
    }
    return ::testing::AssertionSuccess();
  }

  void remove(const Request* r) { std::erase(waiting, r); }

  std::vector<const Request*> waiting;
  std::vector<Service> services;
  bool pool_empty = false;
  TimePoint regime{};

  bool expired(const Request& r, TimePoint now) const {
    const Duration ttl = pool_empty                 ? config_.no_endpoint_ttl()
                         : r.ttl > Duration::zero() ? r.ttl
                                                    : config_.default_request_ttl;
    return std::max(r.enqueued, regime) + ttl <= now;
  }

 private:
  double ceiling(int band) const {
    const auto& limit = config_.usage_limit;
    if (limit.kind == UsageLimitKind::kStatic) return limit.threshold;
    double rank = 0;
    for (const auto& [priority, unused] : bands_) rank += priority > band ? 1 : 0;
    const double steps = std::max<double>(1, static_cast<double>(bands_.size()) - 1);
    return limit.max_ceiling - rank / steps * (limit.max_ceiling - limit.min_ceiling);
  }

  Duration key(const Request& r) const {
    switch (bands_.at(r.band).ordering) {
      case OrderingKind::kFcfs:
        return r.enqueued.time_since_epoch();
      case OrderingKind::kEdf:
        return r.enqueued.time_since_epoch() +
               (r.ttl > Duration::zero() ? r.ttl : config_.default_request_ttl);
      case OrderingKind::kSloDeadline:
        return r.slo_ttft > Duration::zero() ? r.received.time_since_epoch() + r.slo_ttft
                                             : Duration::max();
    }
    return {};
  }
  bool earlier(const Request& a, const Request& b) const {
    return std::pair(key(a), a.order) < std::pair(key(b), b.order);
  }

  // The score of one flow, or the best of all for "".
  double program_score(const std::map<std::string, const Request*>& heads, int band,
                       const std::string& flow, TimePoint now) const {
    const ProgramAwareConfig& c = bands_.at(band).program_aware;
    std::map<std::string, double> service, wait;
    for (const auto& [id, head] : heads) {
      service[id] = 0;
      wait[id] = to_seconds(now - head->enqueued);
      for (const Service& s : services) {
        if (s.flow != id || s.band != band) continue;
        service[id] += s.tokens * std::exp2(-to_seconds(now - s.time) / to_seconds(c.half_life));
      }
    }
    const auto norm = [](const std::map<std::string, double>& values, const std::string& id) {
      double low = INFINITY, high = -INFINITY;
      for (const auto& [unused, v] : values) low = std::min(low, v), high = std::max(high, v);
      return high > low ? (values.at(id) - low) / (high - low) : 0;
    };
    double best = -1;
    for (const auto& [id, unused] : heads) {
      if (!flow.empty() && id != flow) continue;
      best = std::max(
          best, c.weight_service * (1 - norm(service, id)) + c.weight_head_wait * norm(wait, id));
    }
    return best;
  }

  FlowControlConfig config_;
  std::map<int, BandConfig> bands_;
  std::size_t dynamic_ = 0;
  std::map<int, std::string> cursor_;
};

BandConfig random_band(std::mt19937_64& random) {
  BandConfig band;
  band.fairness = static_cast<FairnessKind>(random() % 3);
  band.ordering = static_cast<OrderingKind>(random() % 3);
  band.max_requests = 3 + random() % 20;
  band.max_bytes = 50 + random() % 400;
  return band;
}

FlowControlConfig random_config(std::mt19937_64& random) {
  FlowControlConfig config;
  for (int i = 0; i < 3; ++i)
    config.bands[static_cast<int>(random() % 7) - 3] = random_band(random);
  config.default_band = random_band(random);
  config.default_negative_band = random_band(random);
  config.max_requests = 10 + random() % 40;
  config.max_bytes = 100 + random() % 900;
  config.max_dynamic_bands = random() % 3;
  config.default_request_ttl = std::chrono::milliseconds(50 + random() % 400);
  config.no_endpoint_request_ttl = std::chrono::milliseconds(1 + random() % 300);
  if (random() % 2 == 0) {
    config.usage_limit.kind = UsageLimitKind::kPriorityHoldback;
    config.usage_limit.min_ceiling = 0.3;
  }
  config.idle_flow_after = std::chrono::milliseconds(30);
  config.idle_band_after = std::chrono::hours(1);  // the model keeps all bands
  return config;
}

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed)
      : random_(seed), config_(random_config(random_)), queues_(config_), model_(config_) {}

  void play(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
    while (Ticket* ticket = queues_.first_to_expire()) {
      queues_.remove(*ticket, now_);
      end(static_cast<Request*>(ticket));
    }
    EXPECT_EQ(queues_.requests(), 0u);
    EXPECT_EQ(queues_.bytes(), 0u);
    EXPECT_TRUE(model_.waiting.empty());
    for (const auto& request : requests_) EXPECT_EQ(request->outcomes, 1);
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void end(Request* request) {
    EXPECT_EQ(++request->outcomes, 1);
    model_.remove(request);
  }

  void step() {
    now_ += std::chrono::milliseconds(below(10));
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return enqueue();
      case 5:
      case 6:
      case 7:
      case 8:
        return dispatch();
      case 9:
        return remove_any();
      case 10:
        return expire();
      case 11:
        return misc();
    }
  }

  void enqueue() {
    requests_.push_back(std::make_unique<Request>());
    Request& r = *requests_.back();
    r.bytes = below(60);
    r.received = now_ - std::chrono::milliseconds(below(20));
    if (below(2) == 0) r.slo_ttft = std::chrono::milliseconds(1 + below(200));
    if (below(3) == 0) r.ttl = std::chrono::milliseconds(1 + below(300));
    r.flow_id = "flow" + std::to_string(below(5));
    r.order = requests_.size();
    const int priority = static_cast<int>(below(9)) - 4;
    const auto got = queues_.enqueue(r, r.flow_id, priority, now_);
    // Looking a limit over all up comes first and makes no band.
    if (got == FlowQueues::Enqueued::kPoolFull) {
      std::uint64_t bytes = r.bytes;
      for (const Request* other : model_.waiting) bytes += other->bytes;
      EXPECT_TRUE(model_.waiting.size() + 1 > config_.max_requests || bytes > config_.max_bytes);
      ++r.outcomes;
      return;
    }
    r.band = model_.band_for(priority);
    EXPECT_EQ(got == FlowQueues::Enqueued::kQueued, model_.fits(r.band, r.bytes));
    if (got == FlowQueues::Enqueued::kQueued) {
      model_.waiting.push_back(&r);
      EXPECT_EQ(r.flow->band().priority(), r.band);
    } else {
      ++r.outcomes;
    }
  }

  void dispatch() {
    const double saturation = static_cast<double>(below(130)) / 100;
    auto* got = static_cast<Request*>(queues_.dispatch(saturation, now_));
    EXPECT_TRUE(model_.check_dispatch(got, saturation, now_));
    if (got != nullptr) end(got);
    EXPECT_EQ(queues_.requests(), model_.waiting.size());
  }

  void remove_any() {
    if (model_.waiting.empty()) return;
    auto* r = const_cast<Request*>(model_.waiting[below(model_.waiting.size())]);
    queues_.remove(*r, now_);
    queues_.remove(*r, now_);  // twice is once
    end(r);
  }

  void expire() {
    std::set<const Request*> due;
    for (const Request* r : model_.waiting) {
      if (model_.expired(*r, now_)) due.insert(r);
    }
    while (auto* r = static_cast<Request*>(queues_.expire(now_))) {
      EXPECT_EQ(due.erase(r), 1u);
      end(r);
    }
    EXPECT_TRUE(due.empty());
  }

  void misc() {
    switch (below(3)) {
      case 0: {
        const bool empty = below(2) == 0;
        if (empty != model_.pool_empty) model_.regime = now_;
        model_.pool_empty = empty;
        queues_.set_pool_empty(empty, now_);
        break;
      }
      case 1:
        queues_.collect_garbage(now_);
        break;
      case 2: {
        const int band = static_cast<int>(below(9)) - 4;
        const std::string flow = "flow" + std::to_string(below(5));
        const std::uint64_t prompt = below(1000);
        const std::uint64_t completion = below(1000);
        if (queues_.bands().contains(band)) {
          model_.services.push_back(
              {flow, band, static_cast<double>(prompt + 2 * completion), now_});
        }
        queues_.served(band, flow, prompt, completion, now_);
      }
    }
  }

  std::mt19937_64 random_;
  FlowControlConfig config_;
  std::vector<std::unique_ptr<Request>> requests_;
  FlowQueues queues_;
  Model model_;
  TimePoint now_{std::chrono::seconds(1)};
};

TEST(FlowQueuesModel, AgreesWithTheSlowModel) {
  const char* given = std::getenv("NACELLE_TEST_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t runs = given != nullptr ? 1 : 200;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    SCOPED_TRACE("NACELLE_TEST_SEED=" + std::to_string(seed));
    RandomRun(seed).play(600);
    if (HasFailure()) return;
  }
}

// What round-robin promises: while a flow waits, no other is served twice before it.
TEST(FlowQueuesModel, RoundRobinStarvesNobody) {
  std::mt19937_64 random(7);
  FlowControlConfig config;
  config.default_band.fairness = FairnessKind::kRoundRobin;
  FlowQueues queues(config);
  std::vector<std::unique_ptr<Request>> requests;
  std::map<std::string, std::map<std::string, int>> served_while_waiting;
  std::map<std::string, int> waiting;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 2 == 0 || queues.requests() == 0) {
      requests.push_back(std::make_unique<Request>());
      Request& r = *requests.back();
      r.flow_id = std::to_string(random() % 100 < 70 ? 0 : random() % 20);  // one floods
      if (queues.enqueue(r, r.flow_id, 0, TimePoint()) != FlowQueues::Enqueued::kQueued) continue;
      ++waiting[r.flow_id];
    } else {
      auto& got = *static_cast<Request*>(queues.dispatch(0, TimePoint()));
      for (auto& [flow, count] : waiting) {
        if (count == 0 || flow == got.flow_id) continue;
        EXPECT_LE(++served_while_waiting[flow][got.flow_id], 1) << got.flow_id << " over " << flow;
      }
      --waiting[got.flow_id];
      served_while_waiting[got.flow_id].clear();
    }
  }
  while (Ticket* ticket = queues.first_to_expire()) queues.remove(*ticket, TimePoint());
}

}  // namespace
}  // namespace nacelle::router::flow
