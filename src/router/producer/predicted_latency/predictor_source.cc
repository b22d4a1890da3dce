#include "router/producer/predicted_latency/predictor_source.h"

#include "router/latency/latency_trace.h"

namespace nacelle::router {

namespace {

// One request's samples, with the load of its endpoint then.
class LatencyObserver final : public AnswerObserver {
 public:
  LatencyObserver(std::shared_ptr<latency::LatencyPredictor> predictor,
                  std::shared_ptr<latency::LatencyMetrics> metrics,
                  const latency::LatencyTrace::Start& start, latency::RunningSlos::Entry running,
                  std::shared_ptr<latency::RunningSlos> slos, std::shared_ptr<const LoadCell> load)
      : predictor_(std::move(predictor)),
        metrics_(std::move(metrics)),
        slos_(std::move(slos)),
        load_(std::move(load)),
        features_(start.decode.features),
        running_(std::move(running)),
        trace_(start) {}

  void on_first_token(TimePoint now) override { trace_.on_first_chunk(now); }
  void on_tokens(std::uint64_t tokens, TimePoint now) override {
    trace_.on_tokens(tokens, now, [this] {
      latency::LatencyFeatures now_features = features_;
      now_features.running_requests = static_cast<double>(load_->requests.load());
      now_features.prefill_tokens_in_flight = static_cast<double>(load_->tokens.load());
      return now_features;
    });
  }
  void on_complete(TimePoint now) override { trace_.on_end(now); }

 private:
  // What the trace and the entry point at, kept alive: a pool may go before its last answer.
  const std::shared_ptr<latency::LatencyPredictor> predictor_;
  const std::shared_ptr<latency::LatencyMetrics> metrics_;
  const std::shared_ptr<latency::RunningSlos> slos_;
  const std::shared_ptr<const LoadCell> load_;
  const latency::LatencyFeatures features_;
  latency::RunningSlos::Entry running_;
  latency::LatencyTrace trace_;
};

}  // namespace

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
  const TimePoint begin = std::chrono::steady_clock::now();
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
  took_ = std::chrono::steady_clock::now() - begin;
}

std::unique_ptr<AnswerObserver> PredictorSource::placed(const DecisionInput& input,
                                                        const PrefixColumn* prefix,
                                                        std::uint32_t position,
                                                        std::optional<std::uint32_t> prefill,
                                                        std::shared_ptr<const LoadCell> load) {
  look_at(input.pool);
  if (position >= queries_.size()) return nullptr;
  latency::LatencyTrace::Start start;
  start.predictor = predictor_.get();
  start.decode = queries_[position];
  start.predicted = predictions_[position];
  start.slo = {input.request.slo_ttft_ms / 1000, input.request.slo_tpot_ms / 1000};
  start.dispatched = input.now;
  start.seed = input.request.random;
  latency::LatencyPredictor::Query first;
  if (prefill && *prefill < kinds_.size()) {
    first = {kinds_[*prefill], latency_features(input, prefix, *prefill)};
    start.prefill = &first;
  }
  if (metrics_ != nullptr) {
    latency::LatencyMetrics::Series& series =
        metrics_->series(input.request.model, input.request.model);
    if (start.predicted.known) series.observe_prediction(start.predicted, to_seconds(took_));
    start.series = &series;
  }
  return std::make_unique<LatencyObserver>(predictor_, metrics_, start,
                                           running_->add(ids_[position], start.slo.tpot_seconds),
                                           running_, std::move(load));
}

}  // namespace nacelle::router
