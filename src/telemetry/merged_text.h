// merged_text.h: one page out of the pages of several registries that have the same metrics.
//
// Every part's samples get the part's labels, but for those that a sample brings itself; samples of
// one name stand together under one HELP and TYPE line, as the format asks.
//
// Home:    the scraping thread.
// Bounds:  reads what Metrics::serialize() writes, not foreign text.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "telemetry/metrics.h"

namespace nacelle::telemetry {

class MergedText {
 public:
  void add(std::string_view page, const Labels& labels);
  [[nodiscard]] std::string text() const;

 private:
  struct Family {
    std::string head;  // HELP and TYPE of the part that named it first
    std::string samples;
  };
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace nacelle::telemetry
