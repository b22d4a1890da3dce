// header_label_affinity.h: 1 where a label equals a request header's value, else 0.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class HeaderLabelAffinityScorer final : public Plugin, public Scorer {
 public:
  HeaderLabelAffinityScorer(std::string header, std::string label)
      : header_(std::move(header)), label_(std::move(label)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  std::string header_;  // lower case
  std::string label_;
};

}  // namespace nacelle::router
