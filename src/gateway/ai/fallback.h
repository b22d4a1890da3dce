// fallback.h: whether a failed attempt is tried again, where, and when.
//
//   Fallback next = decide_fallback(attempts, candidates, policy, now);
//   if (next.action == Fallback::Action::kTry) wait until next.not_before, then send to
//   next.backend
//
// Backends have priorities: level 0 is used first. After `attempts_per_priority` attempts in a
// level the next level's turn comes. Only failures that a rule names move on; everything else is
// the client's answer. A backend whose Retry-After has not passed is not tried again before it.
//
// Home:    pure; any thread.
// Source:  gateway.md section 11.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace nacelle::gateway::ai {

enum class Failure : std::uint8_t {
  kNone,           // an answer that is a success
  kConnect,        // no connection, or TLS failed
  kReset,          // broken before the first byte of an answer
  kTimeout,        // no first byte in time
  kStatus,         // an answer with a status that is none
  kContextLength,  // an answer that says the prompt is too long for this model
};

struct Attempt {
  std::uint32_t backend = 0;  // index into the candidates
  Failure failure = Failure::kNone;
  std::uint16_t status = 0;             // of kStatus and kContextLength
  std::optional<Duration> retry_after;  // what the backend asked for
  TimePoint ended;
};

struct FallbackCandidate {
  std::uint32_t priority = 0;  // 0 first
  std::uint32_t weight = 1;    // 0 = never
  bool healthy = true;
};

struct FallbackPolicy {
  std::uint32_t max_retries = 2;
  std::uint32_t attempts_per_priority = 1;
  bool on_connect = true;
  bool on_reset = true;
  bool on_timeout = false;
  bool on_context_length = false;
  std::vector<std::uint16_t> statuses;  // 429 and 503 among them when wanted
  Duration base_backoff = 25ms;
  Duration max_backoff = 250ms;
  // A longer Retry-After rules the backend out for this request.
  Duration max_retry_after = 5s;
};

struct Fallback {
  enum class Action : std::uint8_t { kAnswer, kTry };
  Action action = Action::kAnswer;  // give the client the last attempt's outcome
  std::uint32_t backend = 0;
  TimePoint not_before;
  std::string_view reason;  // for logs: a constant
};

// `random` in [0, 1) jitters the back-off. With no attempt yet it chooses the first backend.
[[nodiscard]] Fallback decide_fallback(std::span<const Attempt> attempts,
                                       std::span<const FallbackCandidate> candidates,
                                       const FallbackPolicy& policy, TimePoint now, double random);

// Seconds or, ignored, a date; nullopt for others. More than a day counts as a day.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value);

// True for the 400s that engines and providers answer a too long prompt with.
[[nodiscard]] bool is_context_length_error(std::uint16_t status, std::string_view body);

}  // namespace nacelle::gateway::ai
