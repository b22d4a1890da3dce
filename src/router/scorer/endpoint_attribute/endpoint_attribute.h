// endpoint_attribute.h: a number the endpoint reports, linearly onto [0, 1].
//
// Endpoints without the attribute score 0.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class EndpointAttributeScorer final : public Plugin, public Scorer {
 public:
  struct Options {
    std::string attribute;
    bool lower_is_better = true;
    std::optional<std::pair<double, double>> fixed_range;  // else the candidates' own
  };
  explicit EndpointAttributeScorer(Options options) : options_(std::move(options)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  Options options_;
};

}  // namespace nacelle::router
