// no_hit_lru.h: sends prompts that nobody has cached to the endpoint that went longest without one.
//
// As soon as any candidate has a hit, all score one half. The order lives in a column: the number
// of the last cold request each endpoint got, 0 for never.
//
// Home:    score() pure; the rest under the router's lock.
// Bounds:  lruSize endpoints; the oldest beyond it counts as never used.
// Source:  router.md section 9.2.
#pragma once

#include <memory>
#include <unordered_map>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class NoHitLruScorer final : public Plugin, public Scorer, public Producer {
 public:
  NoHitLruScorer(std::size_t capacity, PrefixSourceId source, ColumnId column,
                 std::optional<std::uint32_t> prefill_profile)
      : capacity_(capacity), source_(source), column_(column), prefill_profile_(prefill_profile) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);

  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
  void produce(DecisionInput& input) override;
  void committed(const DecisionInput& input, const Decision& decision) override;
  void forget(EndpointId endpoint) override { last_used_.erase(endpoint); }

 private:
  void use(EndpointId endpoint);

  std::size_t capacity_;
  PrefixSourceId source_;
  ColumnId column_;
  std::optional<std::uint32_t> prefill_profile_;
  std::unordered_map<EndpointId, std::uint64_t> last_used_;
  std::uint64_t uses_ = 0;
};

}  // namespace nacelle::router
