#include "router/producer/predicted_latency/predictor_source.h"

namespace nacelle::router {

latency::LatencyFeatures latency_features(const DecisionInput& input, const PrefixColumn* prefix,
                                          std::uint32_t position) {
  latency::LatencyFeatures out;
  const PoolView& pool = *input.pool;
  const TimePoint updated = pool.updated[position];
  if (updated != TimePoint::min() && input.now - updated <= input.metrics_stale_after) {
    out.kv_usage = pool.kv_usage[position];
    out.waiting_requests = pool.waiting[position];
  }
  out.input_tokens = static_cast<double>(input.request.prompt_tokens);
  out.running_requests = static_cast<double>(input.load_requests[position]);
  out.prefill_tokens_in_flight = static_cast<double>(input.load_tokens[position]);
  if (prefix != nullptr && prefix->total_blocks > 0 && !prefix->matched.empty()) {
    out.prefix_score = static_cast<double>(prefix->matched[position]) / prefix->total_blocks;
  }
  return out;
}

void PredictorSource::look_at(const PoolViewPtr& pool) {
  if (pool == pool_) return;
  pool_ = pool;
  ids_.clear();
  kinds_.clear();
  const auto text = [](const std::string* label) {
    return label == nullptr ? std::string_view() : std::string_view(*label);
  };
  for (std::uint32_t i = 0; i < pool->size(); ++i) {
    const EndpointSnapshot& endpoint = pool->endpoint(i);
    ids_.push_back(endpoint.id);
    kinds_.push_back(predictor_->kind_of(text(endpoint.label(kRoleLabel)),
                                         text(endpoint.label("llm-d.ai/engine-type"))));
  }
}

void PredictorSource::predict(const DecisionInput& input, const PrefixColumn* prefix,
                              std::span<LatencyPrediction> predictions,
                              std::span<double> running_tpot_slo_ms) {
  look_at(input.pool);
  queries_.clear();
  for (std::uint32_t i = 0; i < kinds_.size(); ++i) {
    queries_.push_back({kinds_[i], latency_features(input, prefix, i)});
  }
  predictions_.assign(queries_.size(), {});
  predictor_->predict(queries_, predictions_);
  for (std::size_t i = 0; i < predictions_.size(); ++i) {
    if (!predictions_[i].known) continue;
    predictions[i] = {predictions_[i].ttft_seconds * 1000, predictions_[i].tpot_seconds * 1000};
  }
  running_->strictest(ids_, running_tpot_slo_ms);
  for (double& slo : running_tpot_slo_ms) slo *= 1000;
}

}  // namespace nacelle::router
