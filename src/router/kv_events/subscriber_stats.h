// subscriber_stats.h: what the KV event subscriber counts. Written by its thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace nacelle::router {

struct SubscriberStats {
  std::atomic<std::uint64_t> messages{0};  // received, replayed ones included
  std::atomic<std::uint64_t> blocks_stored{0}, blocks_removed{0};
  std::atomic<std::uint64_t> stores_skipped{0}, removals_skipped{0};
  std::atomic<std::uint64_t> bad_messages{0};  // could not be read
  std::atomic<std::uint64_t> zmq_errors{0};
  std::atomic<std::uint64_t> reconnections{0};
  std::atomic<std::uint64_t> gaps{0}, restarts{0};  // seen in the numbers
  std::atomic<std::uint64_t> replays_started{0}, replays_done{0}, replays_failed{0};
  std::atomic<std::uint64_t> resets{0};       // times that an endpoint's entries were dropped
  std::atomic<std::uint64_t> subscribers{0};  // connected endpoints
  std::atomic<std::uint64_t> pending_messages{0}, pending_bytes{0};  // wait for a replay's end
};

}  // namespace nacelle::router
