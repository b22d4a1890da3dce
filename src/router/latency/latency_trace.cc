#include "router/latency/latency_trace.h"

namespace nacelle::router::latency {

LatencyTrace::LatencyTrace(const Start& start)
    : predictor_(*start.predictor),
      series_(start.series),
      decode_(start.decode),
      first_(start.prefill != nullptr ? *start.prefill : start.decode),
      predicted_(start.predicted),
      slo_(start.slo),
      dispatched_(start.dispatched),
      sampler_(start.predictor->config().sampling_mean, start.seed),
      streaming_(start.predictor->config().streaming_mode) {}

void LatencyTrace::on_first_chunk(TimePoint now) {
  if (started_) return;
  started_ = true;
  first_chunk_ = last_token_ = sampled_at_ = now;
  if (!streaming_) return;  // on_end() knows
  const double seconds = to_seconds(now - dispatched_);
  predictor_.learn(first_.kind, Target::kTtft, first_.features, seconds);
  if (series_ != nullptr) series_->observe_ttft(seconds, predicted_, slo_);
}

void LatencyTrace::on_tokens(std::uint64_t tokens, TimePoint now,
                             const std::function<LatencyFeatures()>& look) {
  if (!started_ || tokens == 0) return;
  tokens_ += tokens;
  last_token_ = now;
  if (!streaming_ || !sampler_.advance(tokens)) return;
  LatencyFeatures features = look();
  features.input_tokens = decode_.features.input_tokens;
  features.generated_tokens = static_cast<double>(tokens_);
  const auto since = static_cast<double>(tokens_ - sampled_tokens_);
  predictor_.learn(decode_.kind, Target::kTpot, features, to_seconds(now - sampled_at_) / since);
  sampled_tokens_ = tokens_;
  sampled_at_ = now;
}

void LatencyTrace::on_end(TimePoint now) {
  if (!streaming_) {
    const double seconds = to_seconds(now - dispatched_);
    predictor_.learn(first_.kind, Target::kTtft, first_.features, seconds);
    if (series_ != nullptr) series_->observe_ttft(seconds, predicted_, slo_);
    return;
  }
  if (!started_ || tokens_ == 0) return;
  // What the pick predicted: the whole answer, from the load it met.
  const double seconds = to_seconds(last_token_ - first_chunk_) / static_cast<double>(tokens_);
  predictor_.learn(decode_.kind, Target::kTpot, decode_.features, seconds);
  if (series_ != nullptr) series_->observe_tpot(seconds, predicted_, slo_);
}

}  // namespace nacelle::router::latency
