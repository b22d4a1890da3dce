#include "control/core/kserve/canary_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "control/core/kserve/canary_objects.h"
#include "kube/time.h"

namespace nacelle::control::kserve {
namespace {

template <class Number>
void read(std::string_view text, Number& into) {
  std::from_chars(text.data(), text.data() + text.size(), into);
}

}  // namespace

CanaryProgress progress_of(const Json& workload) {
  const auto text = [&](std::string_view key) {
    return kube::text_at(workload, {"metadata", "annotations", key});
  };
  CanaryProgress out;
  read(text(kCanaryStep), out.step);
  out.began = kube::parse_timestamp(text(kCanaryBegan));
  out.asked = kube::parse_timestamp(text(kCanaryAsked));
  const std::string_view counted = text(kCanaryCounted);
  const std::size_t slash = std::min(counted.find('/'), counted.size());
  read(counted.substr(0, slash), out.counted.requests);
  if (slash < counted.size()) read(counted.substr(slash + 1), out.counted.errors);
  return out;
}

void write_progress(const CanaryProgress& progress, Json& workload) {
  Json& annotations = workload["metadata"]["annotations"];
  annotations[std::string(kCanaryStep)] = std::to_string(progress.step);
  annotations[std::string(kCanaryBegan)] = progress.began ? kube::timestamp(*progress.began) : "";
  if (progress.asked) annotations[std::string(kCanaryAsked)] = kube::timestamp(*progress.asked);
  annotations[std::string(kCanaryCounted)] =
      fmt::format("{}/{}", progress.counted.requests, progress.counted.errors);
}

PoolTraffic canary_traffic(const Owner& owner, const Observed& observed) {
  if (!observed.traffic) return {};
  const auto at = observed.traffic->find(canary_pool_name(owner.name()));
  return at == observed.traffic->end() ? PoolTraffic{} : at->second;
}

std::string too_many_errors(const CanaryProgress& progress, const PoolTraffic& now,
                            const CanarySettings& settings) {
  // Fewer than before: the gateway began anew, and counts from then on.
  const bool anew = now.requests < progress.counted.requests;
  const PoolTraffic since = anew ? PoolTraffic{} : progress.counted;
  const std::int64_t requests = now.requests - since.requests;
  const std::int64_t errors = now.errors - since.errors;
  if (requests < settings.min_requests) return "";
  const double rate = static_cast<double>(errors) / static_cast<double>(requests);
  if (rate <= settings.max_error_rate) return "";
  return fmt::format("{} of {} requests failed, a rate of {:.3g} above {:g}", errors, requests,
                     rate, settings.max_error_rate);
}

}  // namespace nacelle::control::kserve
