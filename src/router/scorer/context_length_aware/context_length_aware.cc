#include "router/scorer/context_length_aware/context_length_aware.h"

#include "router/config/scalar_text.h"

namespace nacelle::router {

std::optional<ContextRange> parse_context_range(std::string_view label) {
  const std::size_t dash = label.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto low = parse_integer_text(label.substr(0, dash));
  const auto high = parse_integer_text(label.substr(dash + 1));
  if (!low || !high || *low < 0 || *high < *low) return std::nullopt;
  return ContextRange{static_cast<double>(*low), static_cast<double>(*high)};
}

double context_length_score(const ContextRange& range, double tokens) {
  if (tokens >= range.low && tokens <= range.high) {
    const double width = range.high - range.low;
    if (width == 0) return 1;
    const double headroom = range.high - tokens;
    return 0.3 + 0.7 * (0.7 / (1 + width / 10000) + 0.3 * headroom / width);
  }
  const double distance = tokens < range.low ? range.low - tokens : tokens - range.high;
  return 0.3 / (1 + distance / 1000);
}

std::shared_ptr<Plugin> ContextLengthAware::make(Fields& fields, BuildContext&) {
  std::string label = "llm-d.ai/context-length-range";
  bool filtering = false;
  fields.text("label", label);
  fields.boolean("enableFiltering", filtering);
  return std::make_shared<ContextLengthAware>(std::move(label), filtering);
}

void ContextLengthAware::filter(const PickContext& context, Candidates& candidates) const {
  if (!filtering_) return;
  const auto tokens = static_cast<double>(context.request.prompt_tokens);
  candidates.keep_if([&](std::uint32_t position) {
    const std::string* label = context.endpoint(position).label(label_);
    if (label == nullptr) return true;
    const auto range = parse_context_range(*label);
    return range && tokens >= range->low && tokens <= range->high;
  });
}

void ContextLengthAware::score(const PickContext& context, const Candidates& candidates,
                               std::span<double> scores) const {
  const auto tokens = static_cast<double>(context.request.prompt_tokens);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string* label = context.endpoint(candidates[i]).label(label_);
    if (label == nullptr) {
      scores[i] = 0.5;
    } else if (const auto range = parse_context_range(*label)) {
      scores[i] = context_length_score(*range, tokens);
    }
  }
}

}  // namespace nacelle::router
