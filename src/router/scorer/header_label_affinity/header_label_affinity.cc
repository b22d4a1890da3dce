#include "router/scorer/header_label_affinity/header_label_affinity.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> HeaderLabelAffinityScorer::make(Fields& fields, BuildContext& context) {
  std::string header, label;
  fields.text("headerName", header);
  fields.text("labelKey", label);
  if (header.empty()) fields.problem("headerName", "is missing");
  if (label.empty()) fields.problem("labelKey", "is missing");
  std::transform(header.begin(), header.end(), header.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  context.reads_header(header);
  return std::make_shared<HeaderLabelAffinityScorer>(std::move(header), std::move(label));
}

void HeaderLabelAffinityScorer::score(const PickContext& context, const Candidates& candidates,
                                      std::span<double> scores) const {
  const std::string_view wanted = context.request.header(header_);
  if (wanted.empty()) return;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string* label = context.endpoint(candidates[i]).label(label_);
    scores[i] = label != nullptr && *label == wanted ? 1.0 : 0.0;
  }
}

}  // namespace nacelle::router
