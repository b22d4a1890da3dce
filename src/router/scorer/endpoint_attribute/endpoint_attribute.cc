#include "router/scorer/endpoint_attribute/endpoint_attribute.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nacelle::router {

std::shared_ptr<Plugin> EndpointAttributeScorer::make(Fields& fields, BuildContext&) {
  Options options;
  fields.text("attributeKey", options.attribute);
  if (options.attribute.empty()) fields.problem("attributeKey", "is missing");
  fields.ignored("producer");  // an endpoint's attributes have one name each
  fields.object("algorithm", [&](Fields& algorithm) {
    algorithm.choice("type", options.lower_is_better,
                     {{"linear_lower_is_better", true}, {"linear_higher_is_better", false}});
    algorithm.object("normalization", [&](Fields& normalization) {
      normalization.ignored("adaptiveRange");
      normalization.object("fixedRange", [&](Fields& range) {
        double low = 0, high = 1;
        range.number("min", low);
        range.number("max", high);
        if (!(low < high))
          return range.problem("max", fmt::format("{} is not above {}", high, low));
        options.fixed_range = {low, high};
      });
    });
  });
  return std::make_shared<EndpointAttributeScorer>(std::move(options));
}

void EndpointAttributeScorer::score(const PickContext& context, const Candidates& candidates,
                                    std::span<double> scores) const {
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    scores[i] = context.endpoint(candidates[i]).attribute(options_.attribute).value_or(kMissing);
    if (std::isnan(scores[i])) continue;
    low = std::min(low, scores[i]);
    high = std::max(high, scores[i]);
  }
  if (options_.fixed_range) std::tie(low, high) = *options_.fixed_range;
  for (double& score : scores) {
    if (std::isnan(score)) {
      score = 0;
    } else if (high > low) {
      const double share = std::clamp((score - low) / (high - low), 0.0, 1.0);
      score = options_.lower_is_better ? 1 - share : share;
    } else {
      score = 1;
    }
  }
}

}  // namespace nacelle::router
