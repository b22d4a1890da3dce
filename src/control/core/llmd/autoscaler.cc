#include "control/core/llmd/autoscaler.h"

#include <algorithm>
#include <cmath>

namespace nacelle::control::llmd {
namespace {

using kube::find;
using kube::number_at;

constexpr double kTolerance = 0.1;
constexpr std::int64_t kUpPeriod = 15;
constexpr std::int64_t kStaleAfter = 60;
constexpr std::int64_t kUnschedulableAfter = 60;
constexpr double kFull = 0.8;

std::int64_t ceil_of(double value) {
  return static_cast<std::int64_t>(std::ceil(std::clamp(value, 0.0, 1e9) - 1e-9));
}

std::optional<double> positive(const kube::Json* value, const std::string& at, Review& review) {
  if (value == nullptr || !value->is_number() || !(value->get<double>() > 0)) {
    review.invalid(at, value == nullptr ? kube::Json() : *value, "must be a number above 0");
    return std::nullopt;
  }
  return value->get<double>();
}

class Scaler {
 public:
  Scaler(const AutoscalingSpec& spec, const LoadSample& sample, AutoscalerState& state)
      : spec_(spec), sample_(sample), state_(state), all_(sample.ready + sample.pending) {
    if (!sample_.arrived || !sample_.completed) return;
    state_.rates.add({sample_.now, *sample_.arrived, *sample_.completed, sample_.ready,
                      sample_.queued.value_or(0) > static_cast<double>(sample_.held)});
    if (!sample_.arrival_rate) sample_.arrival_rate = state_.rates.arrival_rate();
    if (!sample_.completion_rate) sample_.completion_rate = state_.rates.completion_rate();
  }

  ScaleDecision run() {
    follow_clock();
    ScaleDecision out = decide();
    out.queue_above_target = queue_is_long() || (sample_.ready == 0 && sample_.held > 0);
    return out;
  }

 private:
  ScaleDecision decide() {
    if (all_ == 0) return from_zero();
    if (sample_.silent_for > kStaleAfter || (!sample_.queued && !sample_.decode_rate)) {
      return hold("StaleMetrics", false);
    }
    ScaleDecision out;
    out.capacity_limited = sample_.unschedulable_for >= kUnschedulableAfter;
    out.recommendation = recommend();
    remember(out.recommendation);
    if (out.recommendation > all_) {
      out.reason = "TooManyQueued";
      out.desired = out.capacity_limited ? all_ : limited_up(out.recommendation);
    } else {
      out.reason = out.recommendation < all_ ? "TooFewTokens" : "WithinTargets";
      out.desired = stabilised_down(out);
    }
    note_step(out.desired);
    return out;
  }

  // Times that would lie ahead would hold everything until they came.
  void follow_clock() {
    const std::int64_t back = state_.seen - sample_.now;
    state_.seen = sample_.now;
    if (back <= 0) return;
    for (auto* list : {&state_.recommended, &state_.added}) {
      for (auto& each : *list) each.at -= back;
    }
    for (auto* time : {&state_.last_up, &state_.last_down, &state_.empty_since}) {
      if (*time) **time -= back;
    }
  }

  [[nodiscard]] bool queue_is_long() const {
    return spec_.queue_target && average_queue() > *spec_.queue_target * (1 + kTolerance);
  }
  [[nodiscard]] bool queue_is_short() const {
    if (!spec_.queue_target) return true;
    return average_queue() <= *spec_.queue_target;
  }

  // A ready replica without metrics counts as an empty queue on the way up.
  [[nodiscard]] double average_queue() const {
    return sample_.queued.value_or(0) /
           static_cast<double>(std::max<std::int64_t>(1, sample_.ready));
  }

  // No request came for long enough, and none that came before is still at work.
  [[nodiscard]] bool is_idle() const {
    return sample_.held == 0 && sample_.running == 0 && sample_.queued.value_or(0) <= 0 &&
           sample_.idle_for >= std::max(spec_.window_seconds, spec_.pace.zero_after_seconds);
  }

  std::int64_t recommend() {
    const double queued = sample_.queued.value_or(0);
    if (queued > 0)
      state_.empty_since.reset();
    else if (!state_.empty_since)
      state_.empty_since = sample_.now;
    if (queue_is_long()) {
      return clamp(up(ceil_of(queued / *spec_.queue_target)));
    }
    if (sample_.pending > 0 || sample_.ready == 0) return clamp(all_);
    if (spec_.min_replicas == 0 && is_idle()) return 0;
    return std::max(clamp(down()), std::max<std::int64_t>(spec_.min_replicas, 1));
  }

  // While replicas load, a queue that merely grows must not ask for more and more of them.
  std::int64_t up(std::int64_t wanted) const {
    if (sample_.pending == 0) return wanted;
    if (sample_.arrival_rate && sample_.completion_rate && *sample_.completion_rate > 0) {
      wanted = std::min(wanted, ceil_of(1.1 * *sample_.arrival_rate / *sample_.completion_rate));
    } else {
      wanted = std::min(wanted, all_);
    }
    return std::max(all_, wanted);
  }

  std::int64_t down() const {
    std::int64_t wanted = all_;
    if (spec_.decode_floor) {
      if (!sample_.decode_rate || !queue_is_short()) return all_;
      const double each = *sample_.decode_rate / static_cast<double>(sample_.ready);
      if (each < *spec_.decode_floor) wanted = ceil_of(*sample_.decode_rate / *spec_.decode_floor);
    } else if (state_.empty_since && sample_.now - *state_.empty_since >= spec_.window_seconds &&
               since(state_.last_down) >= spec_.window_seconds) {
      wanted = all_ - 1;
    }
    return std::min(all_, std::max<std::int64_t>(safe(wanted), 1));
  }

  // The fewest replicas, at least `wanted`, that hold what all hold now.
  [[nodiscard]] std::int64_t safe(std::int64_t wanted) const {
    std::int64_t count = sample_.ready;
    while (count > std::max<std::int64_t>(wanted, 1)) {
      const auto next = static_cast<double>(count - 1);
      if (sample_.kv_usage * static_cast<double>(sample_.ready) / next > kFull) break;
      if (sample_.max_running > 0 && static_cast<double>(sample_.running) / next >
                                         kFull * static_cast<double>(sample_.max_running)) {
        break;
      }
      --count;
    }
    return count;
  }

  [[nodiscard]] std::int64_t since(const std::optional<std::int64_t>& when) const {
    return when ? sample_.now - *when : std::int64_t{1} << 40;
  }

  [[nodiscard]] std::int64_t clamp(std::int64_t replicas) const {
    return std::clamp(replicas, spec_.min_replicas,
                      std::max(spec_.min_replicas, spec_.max_replicas));
  }

  void remember(std::int64_t recommendation) {
    auto& list = state_.recommended;
    list.push_back({sample_.now, recommendation});
    while (list.front().at < sample_.now - spec_.window_seconds || list.size() > kMaxRemembered) {
      list.pop_front();
    }
  }

  // At most four more or twice as many within a period.
  std::int64_t limited_up(std::int64_t wanted) {
    while (!state_.added.empty() && state_.added.front().at <= sample_.now - kUpPeriod) {
      state_.added.pop_front();
    }
    std::int64_t before = all_;
    for (const auto& step : state_.added) before -= step.replicas;
    before = std::max<std::int64_t>(before, 0);
    return std::max(all_, std::min(wanted, std::max(before + 4, before * 2)));
  }

  std::int64_t stabilised_down(ScaleDecision& out) {
    std::int64_t highest = out.recommendation;
    // An empty queue and silence have waited for their own window already.
    if (spec_.decode_floor && out.recommendation > 0) {
      for (const auto& past : state_.recommended) highest = std::max(highest, past.replicas);
    }
    if (highest >= all_) {
      if (out.recommendation < all_) out.reason = "ScaleDownStabilized";
      return all_;
    }
    if (since(state_.last_up) < spec_.window_seconds ||
        since(state_.last_down) < spec_.pace.down_period_seconds) {
      out.reason = "ScaleDownStabilized";
      return all_;
    }
    return all_ - 1;
  }

  void note_step(std::int64_t desired) {
    if (desired > all_) {
      state_.last_up = sample_.now;
      state_.added.push_back({sample_.now, desired - all_});
      if (state_.added.size() > kMaxRemembered) state_.added.pop_front();
    } else if (desired < all_) {
      state_.last_down = sample_.now;
    }
  }

  ScaleDecision from_zero() {
    ScaleDecision out;
    const bool wanted = sample_.held > 0 || sample_.queued.value_or(0) > 0;
    out.desired = std::max(spec_.min_replicas, std::int64_t{wanted ? 1 : 0});
    out.recommendation = out.desired;
    out.reason = wanted ? "RequestsHeld" : "ScaledToZero";
    remember(out.recommendation);
    note_step(out.desired);
    return out;
  }

  ScaleDecision hold(std::string reason, bool active) const {
    return {.desired = clamp(all_),
            .recommendation = all_,
            .reason = std::move(reason),
            .active = active};
  }

  const AutoscalingSpec& spec_;
  LoadSample sample_;
  AutoscalerState& state_;
  const std::int64_t all_;
};

}  // namespace

AutoscalingSpec parse_autoscaling(const kube::Json& spec, Review& review) {
  AutoscalingSpec out;
  const kube::Json* given = find(spec, {"autoscaling"});
  if (given == nullptr) return out;
  const std::string at = "spec.autoscaling";
  out.enabled = find(*given, {"enabled"}) == nullptr || kube::bool_at(*given, {"enabled"});
  out.min_replicas = number_at(*given, {"minReplicas"}).value_or(1);
  out.max_replicas = number_at(*given, {"maxReplicas"}).value_or(out.min_replicas);
  if (out.min_replicas < 0)
    review.invalid(at + ".minReplicas", out.min_replicas, "must not be negative");
  if (out.max_replicas < std::max<std::int64_t>(1, out.min_replicas)) {
    review.invalid(at + ".maxReplicas", out.max_replicas,
                   "must be at least 1 and not below minReplicas");
  }
  const kube::Json& metrics = kube::list_at(*given, {"metrics"});
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::string metric = at + ".metrics[" + std::to_string(i) + "]";
    const std::string_view type = kube::text_at(metrics[i], {"type"});
    if (type == "RequestQueue") {
      out.queue_target = positive(find(metrics[i], {"requestQueue", "targetAverageQueueDepth"}),
                                  metric + ".requestQueue.targetAverageQueueDepth", review);
    } else if (type == "Throughput") {
      out.decode_floor = positive(find(metrics[i], {"throughput", "targetDecodeTokensPerSecond"}),
                                  metric + ".throughput.targetDecodeTokensPerSecond", review);
    } else {
      review.unsupported(
          metric + ".type",
          metrics[i].is_object() ? metrics[i].value("type", kube::Json()) : kube::Json(),
          "supported values: \"RequestQueue\", \"Throughput\"");
    }
  }
  if (out.enabled && metrics.empty()) review.required(at + ".metrics", "at least one metric");
  out.window_seconds = number_at(*given, {"scaleDownStabilizationSeconds"}).value_or(300);
  if (out.window_seconds < 0 || out.window_seconds > 3600) {
    review.invalid(at + ".scaleDownStabilizationSeconds", out.window_seconds,
                   "must be between 0 and 3600");
  } else if (out.enabled && out.window_seconds < 120) {
    review.warnings.push_back(at + ".scaleDownStabilizationSeconds below 120 may flap");
  }
  if (out.enabled && out.decode_floor && !out.queue_target) {
    review.warnings.push_back(at + " has no RequestQueue metric: nothing scales up but from 0");
  }
  if (out.enabled && find(spec, {"replicas"}) != nullptr) {
    review.warnings.push_back(
        "spec.replicas is only the number to begin with while autoscaling is on");
  }
  return out;
}

ScaleDecision scale(const AutoscalingSpec& spec, const LoadSample& sample, AutoscalerState& state) {
  return Scaler(spec, sample, state).run();
}

}  // namespace nacelle::control::llmd
