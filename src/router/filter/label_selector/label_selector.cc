#include "router/filter/label_selector/label_selector.h"

#include <algorithm>

namespace nacelle::router {

bool LabelRequirement::met(const EndpointSnapshot& endpoint) const {
  const std::string* value = endpoint.label(key);
  const auto listed = [&] {
    return std::find(values.begin(), values.end(), *value) != values.end();
  };
  switch (op) {
    case Operator::kIn:
      return value != nullptr && listed();
    case Operator::kNotIn:
      return value == nullptr || !listed();
    case Operator::kExists:
      return value != nullptr;
    case Operator::kDoesNotExist:
      return value == nullptr;
  }
  return false;
}

std::shared_ptr<Plugin> LabelSelectorFilter::make(Fields& fields, BuildContext&) {
  using Operator = LabelRequirement::Operator;
  std::vector<LabelRequirement> requirements;
  std::vector<std::pair<std::string, std::string>> labels;
  fields.string_map("matchLabels", labels);
  for (auto& [key, value] : labels) requirements.push_back({key, Operator::kIn, {value}});
  fields.each("matchExpressions", [&](Fields& expression) {
    LabelRequirement requirement;
    requirement.op = Operator::kIn;  // when it is missing or unknown
    expression.text("key", requirement.key);
    expression.choice("operator", requirement.op,
                      {{"In", Operator::kIn},
                       {"NotIn", Operator::kNotIn},
                       {"Exists", Operator::kExists},
                       {"DoesNotExist", Operator::kDoesNotExist}});
    expression.strings("values", requirement.values);
    if (requirement.key.empty()) expression.problem("key", "is missing");
    const bool needs_values = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
    if (needs_values && requirement.values.empty()) expression.problem("values", "is missing");
    if (!needs_values && !requirement.values.empty()) {
      expression.problem("values", "the operator takes none");
    }
    requirements.push_back(std::move(requirement));
  });
  return std::make_shared<LabelSelectorFilter>(std::move(requirements), false);
}

std::shared_ptr<Plugin> LabelSelectorFilter::make_by_label(Fields& fields, BuildContext& context) {
  if (fields.has("matchLabels") || fields.has("matchExpressions")) return make(fields, context);
  LabelRequirement requirement;
  requirement.op = LabelRequirement::Operator::kIn;
  bool allow_without = false;
  fields.text("label", requirement.key);
  fields.strings("validValues", requirement.values);
  fields.boolean("allowsNoLabel", allow_without);
  if (requirement.key.empty()) fields.problem("label", "is missing");
  std::vector<LabelRequirement> requirements;
  requirements.push_back(std::move(requirement));
  return std::make_shared<LabelSelectorFilter>(std::move(requirements), allow_without);
}

void LabelSelectorFilter::filter(const PickContext& context, Candidates& candidates) const {
  candidates.keep_if([&](std::uint32_t position) {
    const EndpointSnapshot& endpoint = context.endpoint(position);
    if (allow_without_ && endpoint.label(requirements_.front().key) == nullptr) return true;
    return std::all_of(requirements_.begin(), requirements_.end(),
                       [&](const LabelRequirement& each) { return each.met(endpoint); });
  });
}

}  // namespace nacelle::router
