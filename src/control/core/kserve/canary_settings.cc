#include "control/core/kserve/canary_settings.h"

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

namespace nacelle::control::kserve {
namespace {

constexpr std::string_view kPrefix = "nacelle.dev/canary-";
constexpr std::string_view kSteps = "steps";
constexpr std::string_view kStepSeconds = "step-seconds";
constexpr std::string_view kMaxErrorRate = "max-error-rate";
constexpr std::string_view kMinRequests = "min-requests";

constexpr std::int64_t kMostStepSeconds = 86'400;
constexpr std::int64_t kMostMinRequests = 1'000'000;

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

class CanaryReader {
 public:
  CanaryReader(const Json& service, Review& review)
      : annotations_(kube::map_at(service, {"metadata", "annotations"})), review_(review) {}

  std::optional<CanarySettings> run() {
    warn_of_unknown();
    const Json* steps = find(kSteps);
    if (steps == nullptr) {
      warn_of_unused();
      return std::nullopt;
    }
    const std::size_t before = review_.problems.size();
    CanarySettings out;
    read_steps(*steps, out);
    read(kStepSeconds, std::int64_t{1}, kMostStepSeconds, "must be whole seconds from 1 to 86400",
         out.step_seconds);
    read(kMaxErrorRate, 0.0, 1.0, "must be a number from 0 to 1", out.max_error_rate);
    read(kMinRequests, std::int64_t{1}, kMostMinRequests,
         "must be a whole number from 1 to 1000000", out.min_requests);
    if (review_.problems.size() > before) return std::nullopt;
    return out;
  }

 private:
  [[nodiscard]] const Json* find(std::string_view name) const {
    const auto at = annotations_.find(std::string(kPrefix) + std::string(name));
    return at == annotations_.end() ? nullptr : &*at;
  }

  static std::string field(std::string_view name) {
    return "metadata.annotations[" + std::string(kPrefix) + std::string(name) + "]";
  }

  static std::string_view text_of(const Json& value) {
    return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                             : std::string_view();
  }

  void read_steps(const Json& value, CanarySettings& out) {
    std::string_view rest = text_of(value);
    std::int64_t last = 0;
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ')) one.remove_suffix(1);
      const auto percent = number_of<std::int64_t>(one);
      if (!percent || *percent <= last || *percent > 100) {
        review_.invalid(field(kSteps), value,
                        "must be whole percentages from 1 to 100 that rise, as \"10,50\"");
        return;
      }
      out.steps.push_back(*percent);
      last = *percent;
      more = comma != rest.npos;
      if (more) rest.remove_prefix(comma + 1);
    }
    if (out.steps.size() > kMostCanarySteps) {
      review_.invalid(field(kSteps), value,
                      "must be at most " + std::to_string(kMostCanarySteps) + " steps");
    }
  }

  template <class Number>
  void read(std::string_view name, Number least, Number most, const char* rule, Number& into) {
    const Json* value = find(name);
    if (value == nullptr) return;
    const auto number = number_of<Number>(text_of(*value));
    if (!number || *number < least || *number > most) {
      review_.invalid(field(name), *value, rule);
      return;
    }
    into = *number;
  }

  void warn_of_unknown() {
    for (const auto& [key, value] : annotations_.items()) {
      if (!key.starts_with(kPrefix)) continue;
      const std::string_view name = std::string_view(key).substr(kPrefix.size());
      if (name == kSteps || name == kStepSeconds || name == kMaxErrorRate || name == kMinRequests) {
        continue;
      }
      review_.warnings.push_back(field(name) + " is not known and changes nothing");
    }
  }

  void warn_of_unused() {
    for (const std::string_view name : {kStepSeconds, kMaxErrorRate, kMinRequests}) {
      if (find(name) == nullptr) continue;
      review_.warnings.push_back(field(name) + " is not used without " + std::string(kPrefix) +
                                 std::string(kSteps));
    }
  }

  const Json& annotations_;
  Review& review_;
};

}  // namespace

std::optional<CanarySettings> parse_canary(const Json& service, Review& review) {
  return CanaryReader(service, review).run();
}

}  // namespace nacelle::control::kserve
