#include "router/record/recorded_input.h"

namespace nacelle::router {

RecordedInput::RecordedInput(const DecisionInput& from,
                             const std::vector<std::string>& header_names)
    : input(from),
      model(from.request.model),
      excluded(from.request.excluded.begin(), from.request.excluded.end()),
      subset(from.request.subset.begin(), from.request.subset.end()) {
  for (const std::string& name : header_names) {
    const std::string_view value = from.request.header(name);
    if (!value.empty()) headers.emplace_back(name, value);
  }
  bind();
}

void RecordedInput::bind() {
  header_views_.clear();
  for (const auto& [name, value] : headers) header_views_.push_back({name, value});
  subset_views_.assign(subset.begin(), subset.end());
  RoutingRequest& request = input.request;
  request.block_hashes = {};
  request.precise_hashes = {};
  request.model = model;
  request.headers = header_views_;
  request.excluded = excluded;
  request.subset = subset_views_;
}

}  // namespace nacelle::router
