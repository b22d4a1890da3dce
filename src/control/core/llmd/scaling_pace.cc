#include "control/core/llmd/scaling_pace.h"

#include <charconv>
#include <string>

namespace nacelle::control::llmd {
namespace {

constexpr const char* kZeroAfter = "nacelle.dev/scale-to-zero-after";
constexpr const char* kDownPeriod = "nacelle.dev/scale-down-period";
constexpr std::int64_t kDay = 86'400;

std::int64_t seconds_of(char unit) {
  return unit == 'h' ? 3600 : unit == 'm' ? 60 : unit == 's' ? 1 : 0;
}

void read(const kube::Json& service, const char* name, std::int64_t& out, Review& review) {
  const kube::Json* given = kube::find(service, {"metadata", "annotations", name});
  if (given == nullptr) return;
  const auto seconds =
      given->is_string() ? whole_seconds(given->get_ref<const std::string&>()) : std::nullopt;
  if (seconds && *seconds >= 1 && *seconds <= kDay) {
    out = *seconds;
  } else {
    review.invalid("metadata.annotations[" + std::string(name) + "]", *given,
                   "must be between 1s and 24h, as 90s, 10m or 1h30m");
  }
}

}  // namespace

std::optional<std::int64_t> whole_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t last_unit = kDay;
  while (!text.empty()) {
    std::uint32_t count = 0;
    const char* const end = text.data() + text.size();
    const auto [unit, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc() || unit == end) return std::nullopt;
    const std::int64_t seconds = seconds_of(*unit);
    // Each unit once, the largest first.
    if (seconds == 0 || seconds >= last_unit) return std::nullopt;
    last_unit = seconds;
    total += seconds * count;
    text.remove_prefix(static_cast<std::size_t>(unit - text.data()) + 1);
  }
  return total;
}

ScalingPace parse_pace(const kube::Json& service, Review& review) {
  ScalingPace out;
  read(service, kZeroAfter, out.zero_after_seconds, review);
  read(service, kDownPeriod, out.down_period_seconds, review);
  return out;
}

}  // namespace nacelle::control::llmd
