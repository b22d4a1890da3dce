// latency_predictor.h: TTFT and TPOT of every endpoint for a request, learned from its answers.
//
// One pair of models per kind of endpoint: role (prefill, decode, ...) and model server type, since
// their latencies come about differently. Runs in the router's process: no side-car, no round trip,
// and a prediction for 100 endpoints costs microseconds.
//
// Home:    thread-safe; one leaf lock, held for a prediction of all endpoints or one sample.
// Bounds:  kMaxKinds kinds of about 3 KB; further ones share the last.
// Source:  router.md section 18 (there with two Python servers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "router/latency/core/latency_model.h"
#include "router/latency/latency_features.h"

namespace nacelle::router::latency {

using KindId = Id<struct KindTag>;

struct LatencyPredictorConfig {
  LatencyModelOptions model;
  // The `predicted-latency-producer`'s parameters.
  double sampling_mean = 1000;  // decode tokens between two training samples
  double slo_buffer_factor = 1.0;
  bool streaming_mode = false;  // false: TTFT is the time to the whole answer, and no TPOT
};

class LatencyPredictor {
 public:
  static constexpr std::size_t kMaxKinds = 64;

  explicit LatencyPredictor(const LatencyPredictorConfig& config) : config_(config) {}
  LatencyPredictor(const LatencyPredictor&) = delete;
  LatencyPredictor& operator=(const LatencyPredictor&) = delete;

  [[nodiscard]] const LatencyPredictorConfig& config() const { return config_; }

  // The kind with these labels, made by the first call. Keep the id with the endpoint.
  [[nodiscard]] KindId kind_of(std::string_view role, std::string_view server_type);

  struct Query {
    KindId kind;
    LatencyFeatures features;
  };
  // out[i] belongs to queries[i].
  void predict(std::span<const Query> queries, std::span<LatencyPrediction> out) const;

  // False when the sample cannot be a latency and was ignored.
  bool learn(KindId kind, Target target, const LatencyFeatures& features, double seconds);

  struct Quality {
    std::string role;
    std::string server_type;
    Target target;
    bool ready;
    std::uint64_t samples;
    std::uint64_t drifts;
    double mean_absolute_percentage_error;  // as a fraction
    double bias;
  };
  [[nodiscard]] std::vector<Quality> quality() const;

 private:
  struct Kind {
    std::string role;
    std::string server_type;
    LatencyModel ttft;
    LatencyModel tpot;
  };

  const LatencyPredictorConfig config_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Kind>> kinds_;  // guarded
};

}  // namespace nacelle::router::latency
