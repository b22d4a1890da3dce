// recorded_input.h: a decision's input that owns what the request's views point at.
//
// Prompt hashes are left out: what they matched is in the columns. Of the headers only those are
// kept that the schedule's plugins read, so no credential reaches a record by accident.
//
// Home:    a value that stays where it is: copies and moves need bind() again.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "router/decision_input.h"

namespace nacelle::router {

struct RecordedInput {
  DecisionInput input;
  std::string model;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<EndpointId> excluded;
  std::vector<std::string> subset;

  RecordedInput() = default;
  RecordedInput(const DecisionInput& from, const std::vector<std::string>& header_names);

  // Points the request at the members above.
  void bind();

 private:
  std::vector<HeaderView> header_views_;
  std::vector<std::string_view> subset_views_;
};

}  // namespace nacelle::router
