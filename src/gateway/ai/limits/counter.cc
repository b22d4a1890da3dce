#include "gateway/ai/limits/counter.h"

#include <algorithm>

namespace nacelle::gateway::ai {

namespace {

using Wide = unsigned __int128;

Wide unit_us(const RateLimit& limit) { return Wide{seconds_of(limit.unit)} * 1'000'000; }

std::uint64_t capacity(const RateLimit& limit) {
  return limit.burst > 0 ? limit.burst : limit.amount;
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

std::uint64_t divide_up(Wide a, Wide b) {
  const Wide out = (a + b - 1) / b;
  return out > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(out);
}

WallTime seconds_at(WallMicros now) { return std::chrono::floor<std::chrono::seconds>(now); }

std::int64_t micros(WallMicros now) { return now.time_since_epoch().count(); }

}  // namespace

std::uint64_t seconds_of(LimitUnit unit) {
  constexpr std::uint64_t kDay = 86'400;
  switch (unit) {
    case LimitUnit::kSecond:
      return 1;
    case LimitUnit::kMinute:
      return 60;
    case LimitUnit::kHour:
      return 3600;
    case LimitUnit::kDay:
      return kDay;
    case LimitUnit::kMonth:
      return 30 * kDay;
    case LimitUnit::kYear:
      return 365 * kDay;
  }
  return 1;
}

Window window_of(LimitUnit unit, WallTime now) {
  using std::chrono::sys_days;
  if (unit == LimitUnit::kMonth || unit == LimitUnit::kYear) {
    const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
    const auto month = unit == LimitUnit::kMonth ? date.month() : std::chrono::January;
    const auto first = date.year() / month / 1;
    const auto next =
        unit == LimitUnit::kMonth ? first + std::chrono::months(1) : first + std::chrono::years(1);
    return {sys_days(first), sys_days(next)};
  }
  const auto length = static_cast<std::int64_t>(seconds_of(unit));
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t begin = at - ((at % length) + length) % length;
  return {WallTime(std::chrono::seconds(begin)), WallTime(std::chrono::seconds(begin + length))};
}

void Counter::advance(const RateLimit& limit, WallMicros now) {
  if (limit.algorithm == LimitAlgorithm::kFixedWindow) {
    const std::int64_t begin = micros(window_of(limit.unit, seconds_at(now)).begin);
    if (begin <= since_us_) return;
    since_us_ = begin;
    used_ = 0;
    return;
  }
  if (micros(now) <= since_us_) return;
  if (since_us_ != INT64_MIN) {
    const auto elapsed = static_cast<std::uint64_t>(micros(now) - since_us_);
    // Nothing is missing after a time that refills even the largest debt of 2^64 tokens.
    const Wide refill = Wide{elapsed} * limit.amount;
    missing_ -= std::min(missing_, refill);
  }
  since_us_ = micros(now);
}

bool Counter::admits(const RateLimit& limit, std::uint64_t at_least, WallMicros now) {
  advance(limit, now);
  if (limit.algorithm == LimitAlgorithm::kFixedWindow) {
    if (at_least == 0) return used_ < limit.amount;
    return used_ <= limit.amount && limit.amount - used_ >= at_least;
  }
  const Wide full = Wide{capacity(limit)} * unit_us(limit);
  if (at_least == 0) return missing_ < full;
  return missing_ + Wide{at_least} * unit_us(limit) <= full;
}

void Counter::charge(const RateLimit& limit, std::uint64_t cost, WallMicros now) {
  advance(limit, now);
  if (limit.algorithm == LimitAlgorithm::kFixedWindow) {
    used_ = saturating_add(used_, cost);
  } else {
    const Wide most = Wide{UINT64_MAX} * unit_us(limit);
    missing_ = std::min(most, missing_ + Wide{cost} * unit_us(limit));
  }
}

void Counter::give_back(const RateLimit& limit, std::uint64_t cost, WallMicros now) {
  advance(limit, now);
  used_ -= std::min(used_, cost);
  missing_ -= std::min(missing_, Wide{cost} * unit_us(limit));
}

CounterView Counter::view(const RateLimit& limit, WallMicros now) {
  advance(limit, now);
  if (limit.algorithm == LimitAlgorithm::kFixedWindow) {
    const WallTime end = window_of(limit.unit, seconds_at(now)).end;
    const auto left = std::chrono::ceil<std::chrono::seconds>(end - now).count();
    return {.limit = limit.amount,
            .remaining = limit.amount - std::min(limit.amount, used_),
            .reset_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0))};
  }
  const Wide full = Wide{capacity(limit)} * unit_us(limit);
  CounterView out{.limit = capacity(limit)};
  const bool empty = missing_ + unit_us(limit) > full;
  out.remaining =
      missing_ >= full ? 0 : static_cast<std::uint64_t>((full - missing_) / unit_us(limit));
  // Until one token is there when none is, else until the bucket is full.
  const Wide to_refill = empty ? missing_ + unit_us(limit) - full : missing_;
  if (limit.amount > 0) {
    out.reset_seconds = divide_up(to_refill, Wide{limit.amount} * 1'000'000);
  }
  return out;
}

}  // namespace nacelle::gateway::ai
