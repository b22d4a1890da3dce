// active_request.h: prefers endpoints with fewer of this router's requests in flight.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class ActiveRequestScorer final : public Plugin, public Scorer {
 public:
  struct Options {
    std::uint64_t idle_threshold = 0;
    double max_busy_score = 1.0;
  };
  explicit ActiveRequestScorer(const Options& options) : options_(options) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  Options options_;
};

}  // namespace nacelle::router
