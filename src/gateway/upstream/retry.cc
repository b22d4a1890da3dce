#include "gateway/upstream/retry.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace nacelle::gateway {

RetryConfig default_retry(bool pool, std::uint32_t max_attempts) {
  RetryConfig retry;
  retry.attempts = max_attempts - 1;
  retry.on_reset = retry.on_timeout = pool;
  if (pool) retry.statuses = {503};
  retry.backoff_base = retry.backoff_max = Duration::zero();
  retry.honour_retry_after = false;  // another endpoint may be free now
  return retry;
}

bool retriable(const RetryConfig& retry, Failure failure, int status) {
  switch (failure) {
    case Failure::kConnect:
      return retry.on_connect_failure;
    case Failure::kReset:
      return retry.on_reset;
    case Failure::kTimeout:
      return retry.on_timeout;
    case Failure::kStatus:
      return std::find(retry.statuses.begin(), retry.statuses.end(), status) !=
             retry.statuses.end();
  }
  return false;
}

Duration pause_before(const RetryConfig& retry, std::uint32_t number,
                      std::optional<Duration> retry_after, std::uint64_t random) {
  if (retry_after && retry.honour_retry_after) {
    const Duration longest = std::max<Duration>(retry.backoff_max, 1s);
    if (*retry_after <= longest) return *retry_after;
  }
  if (retry.backoff_base <= Duration::zero()) return Duration::zero();
  const std::uint32_t doublings = std::min(number - 1, 20u);
  const Duration ceiling =
      std::min<Duration>(retry.backoff_base * (std::int64_t{1} << doublings), retry.backoff_max);
  if (retry.fixed_backoff) return ceiling;
  return Duration(static_cast<Duration::rep>(random % (ceiling.count() + 1)));
}

std::optional<Duration> parse_retry_after(std::string_view text) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

std::optional<std::size_t> choose_weighted(std::span<const std::uint32_t> weights,
                                           std::uint64_t random) {
  const std::uint64_t total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  if (total == 0) return std::nullopt;
  std::uint64_t point = random % total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (point < weights[i]) return i;
    point -= weights[i];
  }
  return std::nullopt;
}

}  // namespace nacelle::gateway
