// label_selector.h: keeps endpoints whose labels meet a Kubernetes selector.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1 (`label-selector-filter`; `by-label` and `by-label-selector` are
//          deprecated forms).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

struct LabelRequirement {
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kExists;
  std::vector<std::string> values;

  [[nodiscard]] bool met(const EndpointSnapshot& endpoint) const;
};

class LabelSelectorFilter final : public Plugin, public Filter {
 public:
  // An endpoint stays when it meets all requirements, or when `allow_without` is set and it does
  // not carry the first one's label.
  LabelSelectorFilter(std::vector<LabelRequirement> requirements, bool allow_without)
      : requirements_(std::move(requirements)), allow_without_(allow_without) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_by_label(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  std::vector<LabelRequirement> requirements_;
  bool allow_without_;
};

}  // namespace nacelle::router
