#include "router/filter/endpoint_attribute/endpoint_attribute.h"

namespace nacelle::router {

std::shared_ptr<Plugin> EndpointAttributeFilter::make(Fields& fields, BuildContext&) {
  Options options;
  fields.text("attribute", options.attribute);
  if (options.attribute.empty()) fields.problem("attribute", "is missing");
  fields.ignored("producer");  // an endpoint's attributes have one name each
  fields.choice("onMissing", options.pass_missing, {{"Pass", true}, {"Fail", false}});
  fields.boolean("fallbackOnEmpty", options.fallback_on_empty);
  bool threshold = false;
  fields.object("algorithm", [&](Fields& algorithm) {
    bool type = false;
    algorithm.choice("type", type, {{"threshold", true}});
    algorithm.object("threshold", [&](Fields& inner) {
      threshold = inner.has("value");
      inner.choice("operator", options.op,
                   {{"LessThan", Operator::kLess},
                    {"LessThanOrEqual", Operator::kLessOrEqual},
                    {"GreaterThan", Operator::kGreater},
                    {"GreaterThanOrEqual", Operator::kGreaterOrEqual},
                    {"Equal", Operator::kEqual},
                    {"NotEqual", Operator::kNotEqual}});
      inner.number("value", options.value);
    });
  });
  if (!threshold) fields.problem("algorithm.threshold.value", "is missing");
  return std::make_shared<EndpointAttributeFilter>(std::move(options));
}

bool EndpointAttributeFilter::passes(double value) const {
  switch (options_.op) {
    case Operator::kLess:
      return value < options_.value;
    case Operator::kLessOrEqual:
      return value <= options_.value;
    case Operator::kGreater:
      return value > options_.value;
    case Operator::kGreaterOrEqual:
      return value >= options_.value;
    case Operator::kEqual:
      return value == options_.value;
    case Operator::kNotEqual:
      return value != options_.value;
  }
  return false;
}

void EndpointAttributeFilter::filter(const PickContext& context, Candidates& candidates) const {
  const auto keep = [&](std::uint32_t position) {
    const auto value = context.endpoint(position).attribute(options_.attribute);
    return value ? passes(*value) : options_.pass_missing;
  };
  if (options_.fallback_on_empty) {
    candidates.keep_if_any(keep);
  } else {
    candidates.keep_if(keep);
  }
}

}  // namespace nacelle::router
