// model_metrics.h: the gen_ai.* histograms of requests to models.
//
// Label sets are found once per combination and kept: a look-up in the registry takes a lock and
// several copies.
//
// Home:    ModelFamilies any thread; ModelMetrics one loop, one per loop.
// Bounds:  kMaxKept combinations are kept, then all are looked up anew; the registry folds what is
//          beyond its own bound into "overflow".
// Source:  gateway.md section 13.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/observe/exchange_record.h"
#include "telemetry/metrics.h"

namespace nacelle::gateway {

struct ModelFamilies {
  explicit ModelFamilies(telemetry::Metrics& metrics);
  using Histograms = telemetry::Family<telemetry::Histogram>;
  Histograms &tokens, &duration, &first, &per_token;
};

// gen_ai.operation.name of an endpoint's path; "" for a path that is none.
[[nodiscard]] std::string_view operation_of(std::string_view path);

class ModelMetrics {
 public:
  static constexpr std::size_t kMaxKept = 1024;

  explicit ModelMetrics(ModelFamilies& families) : families_(families) {}
  void record(const ExchangeRecord& record, std::string_view operation);

 private:
  struct Handles {
    telemetry::Histogram &duration, &first, &per_token;
    telemetry::Histogram &input, &cached_input, &cache_creation, &output, &reasoning;
  };
  Handles make(const telemetry::LabelValues& labels, bool failed);

  ModelFamilies& families_;
  std::unordered_map<std::string, Handles> kept_;
};

}  // namespace nacelle::gateway
