#include "gateway/ai/fallback.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace nacelle::gateway::ai {

namespace {

bool retriable(const Attempt& attempt, const FallbackPolicy& policy) {
  const auto listed = [&] {
    return std::find(policy.statuses.begin(), policy.statuses.end(), attempt.status) !=
           policy.statuses.end();
  };
  switch (attempt.failure) {
    case Failure::kNone:
      return false;
    case Failure::kConnect:
      return policy.on_connect;
    case Failure::kReset:
      return policy.on_reset;
    case Failure::kTimeout:
      return policy.on_timeout;
    case Failure::kStatus:
      return listed();
    case Failure::kContextLength:
      return policy.on_context_length || listed();
  }
  return false;
}

// What the attempts say about one candidate.
struct History {
  std::uint32_t tries = 0;
  bool out = false;  // will fail the same way again
  TimePoint not_before{};
};

History history_of(std::uint32_t backend, std::span<const Attempt> attempts,
                   const FallbackPolicy& policy) {
  History out;
  for (const Attempt& attempt : attempts) {
    if (attempt.backend != backend) continue;
    ++out.tries;
    // The same model has the same context window.
    if (attempt.failure == Failure::kContextLength) out.out = true;
    if (!attempt.retry_after) continue;
    if (*attempt.retry_after > policy.max_retry_after) out.out = true;
    out.not_before = std::max(out.not_before, attempt.ended + *attempt.retry_after);
  }
  return out;
}

// The number of attempts that were made in the level of `priority`.
std::uint32_t tries_in_level(std::uint32_t priority, std::span<const Attempt> attempts,
                             std::span<const FallbackCandidate> candidates) {
  return static_cast<std::uint32_t>(
      std::count_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
        return attempt.backend < candidates.size() &&
               candidates[attempt.backend].priority == priority;
      }));
}

TimePoint after_backoff(std::size_t num_attempts, const FallbackPolicy& policy, TimePoint now,
                        double random) {
  if (num_attempts == 0) return now;
  const double doublings =
      std::pow(2.0, std::min<double>(static_cast<double>(num_attempts), 30)) - 1;
  const double ceiling =
      std::min(to_seconds(policy.base_backoff) * doublings, to_seconds(policy.max_backoff));
  return now +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(ceiling * random));
}

// A weighted choice among the least tried of one level; nullopt when the level has none left.
struct Level {
  std::vector<std::uint32_t> usable;
  std::vector<History> histories;
  std::uint64_t weight = 0;
};

Level level_of(std::uint32_t priority, std::span<const Attempt> attempts,
               std::span<const FallbackCandidate> candidates, const FallbackPolicy& policy,
               bool healthy) {
  Level out;
  std::uint32_t fewest = UINT32_MAX;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    const FallbackCandidate& candidate = candidates[i];
    if (candidate.priority != priority || candidate.weight == 0) continue;
    if (candidate.healthy != healthy) continue;
    const History history = history_of(i, attempts, policy);
    if (history.out || history.tries > fewest) continue;
    if (history.tries < fewest) out = {};
    fewest = history.tries;
    out.usable.push_back(i);
    out.histories.push_back(history);
    out.weight += candidate.weight;
  }
  return out;
}

}  // namespace

Fallback decide_fallback(std::span<const Attempt> attempts,
                         std::span<const FallbackCandidate> candidates,
                         const FallbackPolicy& policy, TimePoint now, double random) {
  Fallback out{.not_before = now};
  if (!attempts.empty()) {
    if (!retriable(attempts.back(), policy)) {
      out.reason = "no rule names this outcome";
      return out;
    }
    if (attempts.size() > policy.max_retries) {
      out.reason = "retries are used up";
      return out;
    }
  }
  std::vector<std::uint32_t> levels;
  for (const FallbackCandidate& candidate : candidates) levels.push_back(candidate.priority);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());

  const std::uint32_t per_level = std::max<std::uint32_t>(1, policy.attempts_per_priority);
  // First healthy backends in order of level, then, when every level had its turn, the last usable
  // level again; then unhealthy ones, since health is a guess.
  for (const bool healthy : {true, false}) {
    std::optional<Level> chosen;
    for (const std::uint32_t priority : levels) {
      Level level = level_of(priority, attempts, candidates, policy, healthy);
      if (level.usable.empty()) continue;
      chosen = std::move(level);
      if (tries_in_level(priority, attempts, candidates) < per_level) break;
    }
    if (!chosen) continue;
    double at = random * static_cast<double>(chosen->weight);
    std::size_t pick = 0;
    while (pick + 1 < chosen->usable.size() && at >= candidates[chosen->usable[pick]].weight) {
      at -= candidates[chosen->usable[pick]].weight;
      ++pick;
    }
    out.action = Fallback::Action::kTry;
    out.backend = chosen->usable[pick];
    out.not_before = std::max(after_backoff(attempts.size(), policy, now, random),
                              chosen->histories[pick].not_before);
    out.reason = attempts.empty() ? "first attempt" : "a rule names this outcome";
    return out;
  }
  out.reason = "no backend is left";
  return out;
}

std::optional<Duration> parse_retry_after(std::string_view value) {
  constexpr std::uint64_t kDay = 86'400;
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (end != value.data() + value.size() || end == value.data()) return std::nullopt;
  if (error == std::errc::result_out_of_range) seconds = kDay;
  return std::chrono::seconds(std::min(seconds, kDay));
}

bool is_context_length_error(std::uint16_t status, std::string_view body) {
  if (status != 400 && status != 413 && status != 422) return false;
  constexpr std::array<std::string_view, 6> kSigns{
      "context_length_exceeded", "maximum context length",        "prompt is too long",
      "Input is too long",       "exceeds the maximum number of", "input_tokens"};
  // Signs stand in the first words of an error; a large body is no error of this kind.
  const std::string_view head = body.substr(0, 4096);
  return std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) {
    return head.find(sign) != std::string_view::npos;
  });
}

}  // namespace nacelle::gateway::ai
