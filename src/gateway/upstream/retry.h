// retry.h: whether a failed attempt is made again, where, and after which pause.
//
// Home:    pure; any thread.
// Source:  gateway.md sections 1.8, 11 and 17.2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "gateway/config/model.h"

namespace nacelle::gateway {

enum class Failure : std::uint8_t { kConnect, kReset, kTimeout, kStatus };

// What a rule does that says nothing of retries: another endpoint takes the request while nothing
// of it was sent (services), or while nothing of the answer came and when one is busy (pools).
[[nodiscard]] RetryConfig default_retry(bool pool, std::uint32_t max_attempts);

// `status` of kStatus.
[[nodiscard]] bool retriable(const RetryConfig& retry, Failure failure, int status);

// The pause before retry number `retry` (from 1): jittered, doubled each time; a Retry-After in
// seconds is kept when it is short enough to wait for.
[[nodiscard]] Duration pause_before(const RetryConfig& retry, std::uint32_t number,
                                    std::optional<Duration> retry_after, std::uint64_t random);

// Retry-After as a number of seconds; nullopt for dates and anything else.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view text);

// One of `weights` by its share; nullopt when all are zero.
[[nodiscard]] std::optional<std::size_t> choose_weighted(std::span<const std::uint32_t> weights,
                                                         std::uint64_t random);

}  // namespace nacelle::gateway
