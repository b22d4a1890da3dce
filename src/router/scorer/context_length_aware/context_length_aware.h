// context_length_aware.h: matches a prompt's length with the range an endpoint is labelled for.
//
//   label `min-max`; in range: width 0 scores 1, else 0.3 + 0.7 (0.7 / (1 + width/10000)
//   + 0.3 headroom/width); out of range 0.3 / (1 + distance/1000); no label 0.5; malformed 0
//
// As a filter (enableFiltering) it keeps endpoints whose range holds the prompt, and those without
// a label.
//
// Home:    immutable, pure.
// Source:  router.md sections 9.1 and 9.2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

struct ContextRange {
  double low = 0;
  double high = 0;
};

// nullopt for anything but two whole numbers, the first not above the second.
[[nodiscard]] std::optional<ContextRange> parse_context_range(std::string_view label);
[[nodiscard]] double context_length_score(const ContextRange& range, double tokens);

class ContextLengthAware final : public Plugin, public Filter, public Scorer {
 public:
  ContextLengthAware(std::string label, bool filtering)
      : label_(std::move(label)), filtering_(filtering) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  std::string label_;
  bool filtering_;
};

}  // namespace nacelle::router
