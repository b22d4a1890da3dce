// rate_limiter.h: admits requests against limits and charges what they cost once they have ended.
//
//   Admission admission = limiter.admit(limits, facts, now);
//   if (!admission.allowed) return answer_429(admission.refusal);
//   ... the stream runs ...
//   auto durable = limiter.charge(admission, cost_inputs, now);   // for the usage store
//
// admit() charges limits on requests at once, and only when all limits admit; limits on tokens are
// asked whether anything is left, as the reference service does: what is in flight may overshoot,
// and no stream is cut.
//
// Counters live in shards, each with a lock that is held for one look-up and some arithmetic, so
// that loops rarely meet.
//
// Home:    any thread.
// Bounds:  max_counters over all shards; the least recently used one is forgotten beyond it, which
//          gives its subject a fresh window.
// Source:  gateway.md sections 10.2 and 10.3.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/ai/limits/counter.h"
#include "gateway/ai/limits/rate_limit.h"

namespace nacelle::gateway::ai {

// What limits match on. Views are read during the call only.
struct LimitFacts {
  std::string_view key_id;
  std::string_view model;  // the client's name
  std::function<std::optional<std::string_view>(std::string_view name)> header;
};

// One counter that an admitted request will charge. `limit` must outlive it.
struct Ticket {
  const RateLimit* limit = nullptr;
  std::string subject;  // who is counted: "key=a|model=m|x-user=7"
};

struct Refusal {
  std::string limit_name;
  CounterView view;
  std::uint64_t window_seconds = 0;
};

struct Admission {
  bool allowed = true;
  std::optional<Refusal> refusal;  // the limit that says no for the longest time
  std::vector<Ticket> tickets;     // limits whose cost is known at the end
  std::vector<Ticket> charged;     // durable limits on requests, charged at once
};

// What a durable counter was charged: added up by the usage store.
struct DurableCharge {
  std::string limit_name;
  std::string subject;
  WallTime window_begin;
  std::uint64_t amount = 0;
};

class RateLimiter {
 public:
  explicit RateLimiter(std::size_t max_counters = 200'000, std::size_t num_shards = 16);

  // `limits` outlive the tickets.
  [[nodiscard]] Admission admit(std::span<const RateLimit* const> limits, const LimitFacts& facts,
                                WallMicros now);

  // Once per admitted request, when it has ended. An expression that fails at run time charges
  // nothing and is listed in `errors`.
  struct Charged {
    std::vector<DurableCharge> durable;
    std::vector<Status> errors;
  };
  [[nodiscard]] Charged charge(const Admission& admission, const CostInputs& inputs,
                               WallMicros now);

  // Puts back what a counter had been charged before a restart. Windows that are over are ignored.
  void restore(const RateLimit& limit, const DurableCharge& charge, WallMicros now);

  [[nodiscard]] std::size_t num_counters() const;

 private:
  struct Entry {
    std::string id;  // limit name and subject
    Counter counter;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> recent;  // most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_id;
  };

  template <class Use>
  void with_counter(const RateLimit& limit, std::string_view subject, Use use);

  const std::size_t max_per_shard_;
  std::vector<Shard> shards_;
};

// The subject of a limit for a request; nullopt when the limit does not apply to it.
[[nodiscard]] std::optional<std::string> subject_of(const RateLimit& limit,
                                                    const LimitFacts& facts);

// x-ratelimit-limit, -remaining and -reset (IETF draft 03), retry-after and x-envoy-ratelimited.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> rate_limit_headers(
    const Refusal& refusal);

// "limit per-key: 100 used up, try again in 12 s"
[[nodiscard]] Status to_status(const Refusal& refusal);

}  // namespace nacelle::gateway::ai
