// endpoint_attribute.h: compares a number the endpoint reports with a threshold.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class EndpointAttributeFilter final : public Plugin, public Filter {
 public:
  enum class Operator { kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kEqual, kNotEqual };
  struct Options {
    std::string attribute;
    Operator op = Operator::kLess;
    double value = 0;
    bool pass_missing = true;
    bool fallback_on_empty = false;  // nobody passes: all stay
  };
  explicit EndpointAttributeFilter(Options options) : options_(std::move(options)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  [[nodiscard]] bool passes(double value) const;
  Options options_;
};

}  // namespace nacelle::router
