#include "router/producer/predicted_latency/predicted_latency.h"

#include <algorithm>
#include <cmath>

#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> PredictedLatency::make(Fields& fields, BuildContext& context) {
  PredictedLatencyConfig config;
  fields.number("samplingMean", config.sampling_mean, 0, 1e9);
  fields.count("maxDecodeTokenSamplesForPrediction", config.max_decode_token_samples, 0, 1'000'000);
  fields.number("sloBufferFactor", config.slo_buffer_factor, 0, 1000);
  fields.duration("contextTTL", config.context_ttl);
  fields.boolean("streamingMode", config.streaming_mode);
  fields.text("endpointRoleLabel", config.endpoint_role_label);
  fields.boolean("predictInProduce", config.predict_in_produce);
  bool encoder = false;
  fields.boolean("useEncoderCacheFeatures", encoder);
  if (encoder) fields.problem("useEncoderCacheFeatures", "not supported: multimodal");
  fields.ignored("encoderCacheMatchInfoProducerName");
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<PredictedLatency>(
      std::move(config), source, context.add_column("predicted ttft ms"),
      context.add_column("predicted tpot ms"), context.add_column("running tpot slo ms"));
}

void PredictedLatency::produce(DecisionInput& input) {
  Column& ttft = input.columns[ttft_];
  Column& tpot = input.columns[tpot_];
  Column& running = input.columns[running_slo_];
  ttft.clear();
  tpot.clear();
  running.clear();
  if (model_ == nullptr || !config_.predict_in_produce) return;
  const std::size_t count = input.pool->size();
  predictions_.assign(count, LatencyPrediction());
  running.assign(count, 0.0);
  const PrefixColumn* prefix = source_ < input.prefix.size() ? &input.prefix[source_] : nullptr;
  model_->predict(input, prefix, predictions_, running);
  for (const LatencyPrediction& prediction : predictions_) {
    ttft.push_back(prediction.ttft_ms);
    tpot.push_back(prediction.tpot_ms);
  }
}

std::unique_ptr<AnswerObserver> PredictedLatency::placed(const DecisionInput& input,
                                                         std::uint32_t position,
                                                         std::optional<std::uint32_t> prefill,
                                                         std::shared_ptr<const LoadCell> load) {
  if (model_ == nullptr || !config_.predict_in_produce) return nullptr;
  const PrefixColumn* prefix = source_ < input.prefix.size() ? &input.prefix[source_] : nullptr;
  return model_->placed(input, prefix, position, prefill, std::move(load));
}

std::optional<LatencyPrediction> PredictedLatency::prediction(const PickContext& context,
                                                              std::uint32_t position) const {
  const Column& ttft = context.input.columns[ttft_];
  const Column& tpot = context.input.columns[tpot_];
  const std::size_t count = context.pool.size();
  if (ttft.size() != count || tpot.size() != count || std::isnan(ttft[position])) {
    return std::nullopt;
  }
  return LatencyPrediction{ttft[position], tpot[position]};
}

std::optional<LatencyHeadroom> PredictedLatency::headroom(const PickContext& context,
                                                          std::uint32_t position) const {
  const auto predicted = prediction(context, position);
  if (!predicted) return std::nullopt;
  LatencyHeadroom out;
  out.ttft_ms = context.request.slo_ttft_ms - predicted->ttft_ms;
  const std::string* role = context.endpoint(position).label(
      config_.endpoint_role_label.empty() ? kRoleLabel
                                          : std::string_view(config_.endpoint_role_label));
  const bool prefill = role != nullptr && (*role == "prefill" || *role == "encode-prefill");
  if (!config_.streaming_mode || prefill || std::isnan(predicted->tpot_ms)) return out;
  double slo = context.request.slo_tpot_ms;
  const Column& slos = context.input.columns[running_slo_];
  const double running = position < slos.size() ? slos[position] : 0;
  if (running > 0) slo = slo > 0 ? std::min(slo, running) : running;
  out.tpot_ms = slo * config_.slo_buffer_factor - predicted->tpot_ms;
  return out;
}

}  // namespace nacelle::router
