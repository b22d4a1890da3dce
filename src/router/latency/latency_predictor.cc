#include "router/latency/latency_predictor.h"

#include "base/check.h"

namespace nacelle::router::latency {

KindId LatencyPredictor::kind_of(std::string_view role, std::string_view server_type) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i]->role == role && kinds_[i]->server_type == server_type) {
      return KindId{static_cast<std::uint32_t>(i)};
    }
  }
  if (kinds_.size() == kMaxKinds) return KindId{kMaxKinds - 1};
  const bool last = kinds_.size() + 1 == kMaxKinds;
  kinds_.push_back(std::make_unique<Kind>(Kind{
      last ? "other" : std::string(role), last ? "other" : std::string(server_type),
      LatencyModel(Target::kTtft, config_.model), LatencyModel(Target::kTpot, config_.model)}));
  return KindId{static_cast<std::uint32_t>(kinds_.size() - 1)};
}

void LatencyPredictor::predict(std::span<const Query> queries,
                               std::span<LatencyPrediction> out) const {
  CHECK(queries.size() == out.size());
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Kind& kind = *kinds_.at(queries[i].kind.value);
    out[i] = {};
    if (!kind.ttft.ready()) continue;
    out[i].known = true;
    out[i].ttft_seconds = kind.ttft.predict(queries[i].features);
    // Prefill endpoints and answers that are not streamed have no TPOT, so it stays 0.
    if (kind.tpot.ready()) out[i].tpot_seconds = kind.tpot.predict(queries[i].features);
  }
}

bool LatencyPredictor::learn(KindId kind, Target target, const LatencyFeatures& features,
                             double seconds) {
  std::lock_guard lock(mutex_);
  Kind& models = *kinds_.at(kind.value);
  return (target == Target::kTtft ? models.ttft : models.tpot).learn(features, seconds);
}

std::vector<LatencyPredictor::Quality> LatencyPredictor::quality() const {
  std::lock_guard lock(mutex_);
  std::vector<Quality> out;
  for (const auto& kind : kinds_) {
    for (const Target target : {Target::kTtft, Target::kTpot}) {
      const LatencyModel& model = target == Target::kTtft ? kind->ttft : kind->tpot;
      out.push_back({kind->role, kind->server_type, target, model.ready(), model.samples(),
                     model.drifts(), model.mean_absolute_percentage_error(), model.bias()});
    }
  }
  return out;
}

}  // namespace nacelle::router::latency
