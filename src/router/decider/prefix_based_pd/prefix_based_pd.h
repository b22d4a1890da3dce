// prefix_based_pd.h: a separate prefill is worth it when enough of the prompt is to be computed.
//
// Home:    immutable, pure.
// Source:  router.md section 9.3.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class PrefixBasedPdDecider final : public Plugin, public Decider {
 public:
  PrefixBasedPdDecider(std::uint64_t non_cached_tokens, std::uint64_t prompt_tokens,
                       PrefixSourceId source)
      : non_cached_tokens_(non_cached_tokens), prompt_tokens_(prompt_tokens), source_(source) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] bool wanted(const PickContext& context, std::uint32_t decode) const override;

 private:
  std::uint64_t non_cached_tokens_;  // 0: never
  std::uint64_t prompt_tokens_;
  PrefixSourceId source_;
};

}  // namespace nacelle::router
