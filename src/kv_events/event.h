// event.h: what one KV event says, in the words of its wire.
//
// Home:    values that point into the decoder's buffers and the message; they live as long as the
//          call that hands them over.
// Source:  engine.md section 24; router.md section 11.3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/token.h"

namespace nacelle::kv_events {

// Where blocks are kept. Unknown media count as disk.
enum class Medium : std::uint8_t { kGpu, kCpu, kDisk };
inline constexpr std::size_t kNumMedia = 3;

[[nodiscard]] Medium parse_medium(std::string_view name);  // any case; "" = gpu

// Consecutive blocks of one sequence. Hashes are numbers: of longer digests the last eight bytes.
struct Stored {
  std::span<const std::uint64_t> hashes;
  std::optional<std::uint64_t> parent;  // nullopt at the start of a sequence
  std::span<const TokenId> tokens;      // empty when the decoder was told to leave them out
  std::uint32_t block_size = 0;
  std::string_view lora_name;  // "" = none
  Medium medium = Medium::kGpu;
  std::span<const std::string_view> first_extra_keys;  // of the first block of this event
  bool has_more_extra_keys = false;                    // blocks after the first have some too
};

struct Removed {
  std::span<const std::uint64_t> hashes;
  Medium medium = Medium::kGpu;
};

// Of one batch: the frame's payload.
struct BatchHead {
  double timestamp = 0;  // seconds
  std::optional<std::int64_t> data_parallel_rank;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_stored(const Stored& stored) = 0;
  virtual void on_removed(const Removed& removed) = 0;
  virtual void on_all_cleared() = 0;
};

}  // namespace nacelle::kv_events
