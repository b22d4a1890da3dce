// latency_source.h: predicted TTFT and TPOT of a request on each endpoint.
//
// The online model implements it; the producer `predicted-latency-producer` reads it in every pick.
//
// Home:    called under the router's lock.
// Source:  router.md section 18.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "router/answer_observer.h"
#include "router/decision_input.h"
#include "router/placement.h"

namespace nacelle::router {

class LatencySource {
 public:
  virtual ~LatencySource() = default;

  // `predictions` by position in input.pool; they come in as "none". `prefix` is the column of
  // cached blocks to use, or null. `running_tpot_slo_ms[position]` comes in as 0 and becomes the
  // smallest TPOT SLO of the requests running there, if any has one.
  virtual void predict(const DecisionInput& input, const PrefixColumn* prefix,
                       std::span<LatencyPrediction> predictions,
                       std::span<double> running_tpot_slo_ms) = 0;

  // The request goes to the endpoint at `position`, and where another one computes its prompt, to
  // that at `prefill` first. Right after predict() of the same input. `load` is the endpoint's from
  // now on. What is returned lives on the request's loop; it may be null.
  [[nodiscard]] virtual std::unique_ptr<AnswerObserver> placed(
      const DecisionInput& input, const PrefixColumn* prefix, std::uint32_t position,
      std::optional<std::uint32_t> prefill, std::shared_ptr<const LoadCell> load) {
    (void)input, (void)prefix, (void)position, (void)prefill, (void)load;
    return nullptr;
  }
};

}  // namespace nacelle::router
