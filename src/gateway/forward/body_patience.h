// body_patience.h: how long a request body may take as a whole.
//
// Each piece has limits.bodyTimeout (net/http). All waits together have that much, and the time
// that the bytes received need at limits.bodyRate: a client that sends a byte now and then makes
// progress without end, and is cut off nevertheless. Time in which nobody reads does not count.
//
// Home:    one request.
// Source:  the minimum data rates of servers that meet slow attackers, such as Kestrel's (240 B/s).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "gateway/config/model.h"
#include "net/http/server_exchange.h"

namespace nacelle::gateway {

class BodyPatience {
 public:
  explicit BodyPatience(const GatewayLimits& limits)
      : timeout_(limits.body_timeout), rate_(limits.body_rate) {}

  // A piece of `bytes` came after `waited`. False: that was too slow.
  [[nodiscard]] bool piece(Duration waited, std::size_t bytes) {
    waited_ += waited;
    bytes_ += bytes;
    if (rate_ == 0 || timeout_ <= Duration::zero()) return true;
    const double earned = static_cast<double>(bytes_) / static_cast<double>(rate_);
    return to_seconds(waited_) <= to_seconds(timeout_) + earned;
  }

 private:
  const Duration timeout_;
  const std::uint64_t rate_;
  Duration waited_{};
  std::uint64_t bytes_ = 0;
};

// The next piece of a request's body; deadline_exceeded, too, when all of it comes too slowly.
[[nodiscard]] async::Task<Result<std::string_view>> read_patiently(
    net::http::ServerExchange& exchange, BodyPatience& patience);

}  // namespace nacelle::gateway
