// replay.h: decides recorded inputs again and compares, or explains one.
//
// Home:    pure but for reading the stream.
// Errors:  data_loss with the line number for a damaged record; what the configuration says is
//          wrong with it.
// Bounds:  lines of 64 MiB.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::router {

struct ReplayOptions {
  std::string config_text;               // "": the one in the record
  std::string config_file;               // its name, for messages
  std::optional<std::uint64_t> explain;  // the number of one decision
  std::size_t max_differences = 10;      // that are kept
};

struct ReplayDifference {
  std::uint64_t number = 0;
  std::string recorded;
  std::string replayed;
};

struct ReplayReport {
  std::uint64_t decisions = 0;
  std::uint64_t different = 0;
  std::uint64_t lost = 0;  // left out while recording
  std::vector<ReplayDifference> differences;
  std::string explanation;  // of the decision asked for; "" when it is not in the record
};

[[nodiscard]] Result<ReplayReport> replay(std::istream& record, const ReplayOptions& options);

}  // namespace nacelle::router
