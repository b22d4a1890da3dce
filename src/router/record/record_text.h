// record_text.h: the lines of a decision record, both ways.
//
// One JSON object a line, `k` says which:
//   config  the configuration decisions were made with; first line of every file
//   pool    endpoints by position that changed since the last such line; `size` of the whole
//   pick    one decision: request facts, load, matches and columns, and what came out (`out`)
//   lost    how many picks were not written because the disk was too slow
// Numbers come back bit for bit. Text is written byte by byte (bytes from 0x80 as \u00xx), so it
// does too, whatever its encoding.
//
// Home:    pure.
// Errors:  data_loss for a line that cannot be read, with the reason.
// Bounds:  readers accept 100,000 endpoints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/decision.h"
#include "router/record/recorded_input.h"
#include "router/schedule.h"

namespace nacelle::router {

[[nodiscard]] std::uint64_t config_hash(std::string_view text);

[[nodiscard]] std::string config_line(std::string_view config_text);
[[nodiscard]] std::string lost_line(std::uint64_t count);
// Entries of `pool` whose text differs from `written`, which is brought up to date.
[[nodiscard]] std::string pool_line(const PoolSnapshot& pool, std::vector<std::string>& written);
[[nodiscard]] std::string pick_line(std::uint64_t number, const RecordedInput& recorded,
                                    const Decision& decision);
// The `out` member alone: what two decisions are compared by.
[[nodiscard]] std::string outcome_text(const Decision& decision);

// What a line holds.
struct RecordLine {
  enum class Kind { kConfig, kPool, kPick, kLost };
  Kind kind = Kind::kLost;
  std::string config_text;   // config
  std::uint64_t number = 0;  // pick, lost
  RecordedInput recorded;    // pick; its pool is the reader's
  std::string outcome;       // pick
};

// Reads a line; a pool line is applied to `pool`.
[[nodiscard]] Result<RecordLine> parse_record_line(std::string_view line, PoolSnapshot& pool);

}  // namespace nacelle::router
