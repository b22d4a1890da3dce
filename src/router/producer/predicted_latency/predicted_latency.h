// predicted_latency.h: predicted TTFT and TPOT per endpoint, and the headroom they leave.
//
// The model that predicts is attached; until then there are no predictions, and plugins that ask
// fall back to what they do without.
//
// Home:    produce() under the router's lock; headroom() is pure.
// Source:  router.md section 18.
#pragma once

#include <memory>
#include <optional>

#include "router/config/fields.h"
#include "router/latency_source.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

struct LatencyHeadroom {
  double ttft_ms = 0;
  double tpot_ms = 0;
  [[nodiscard]] bool ttft_ok() const { return ttft_ms >= 0; }
  [[nodiscard]] bool tpot_ok() const { return tpot_ms >= 0; }
  [[nodiscard]] bool ok() const { return ttft_ok() && tpot_ok(); }
};

struct PredictedLatencyConfig {
  double sampling_mean = 1000;
  std::uint32_t max_decode_token_samples = 0;
  double slo_buffer_factor = 1.0;
  Duration context_ttl = std::chrono::minutes(5);
  bool streaming_mode = false;  // false: TPOT headroom is neutral
  std::string endpoint_role_label;
  bool predict_in_produce = true;
};

class PredictedLatency final : public Plugin, public Producer {
 public:
  PredictedLatency(PredictedLatencyConfig config, PrefixSourceId source, ColumnId ttft,
                   ColumnId tpot, ColumnId running_slo)
      : config_(std::move(config)),
        source_(source),
        ttft_(ttft),
        tpot_(tpot),
        running_slo_(running_slo) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);

  [[nodiscard]] const PredictedLatencyConfig& config() const { return config_; }
  [[nodiscard]] PrefixSourceId prefix_source() const { return source_; }
  void attach(std::shared_ptr<LatencySource> model) { model_ = std::move(model); }
  [[nodiscard]] bool attached() const { return model_ != nullptr; }

  // nullopt: no prediction.
  [[nodiscard]] std::optional<LatencyPrediction> prediction(const PickContext& context,
                                                            std::uint32_t position) const;
  [[nodiscard]] std::optional<LatencyHeadroom> headroom(const PickContext& context,
                                                        std::uint32_t position) const;

  void produce(DecisionInput& input) override;
  // What the attached model wants to see of the answer; null without one.
  [[nodiscard]] std::unique_ptr<AnswerObserver> placed(const DecisionInput& input,
                                                       std::uint32_t position,
                                                       std::optional<std::uint32_t> prefill,
                                                       std::shared_ptr<const LoadCell> load);

 private:
  PredictedLatencyConfig config_;
  PrefixSourceId source_;
  ColumnId ttft_, tpot_, running_slo_;
  std::shared_ptr<LatencySource> model_;
  std::vector<LatencyPrediction> predictions_;  // reused between picks
};

inline constexpr std::string_view kPredictedLatencyProducer = "predicted-latency-producer";

}  // namespace nacelle::router
