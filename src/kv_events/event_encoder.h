// event_encoder.h: KV events to the payload of a message, byte for byte as vLLM writes them.
//
//   EventEncoder batch(EventForm::kMap, HashForm::kNumber);
//   batch.begin(now_in_seconds);
//   batch.stored({.hashes = ..., .parent = ..., .tokens = ..., .block_size = 16, .extra = ...});
//   send(batch.finish(rank));
//
// Home:    one thread; buffers are reused between batches.
// Source:  engine.md section 24. The golden bytes are msgpack-python's
// (tools/goldens/kv_events.py).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/token.h"

namespace nacelle::kv_events {

// kMap since vLLM 0.23, kArray before.
enum class EventForm { kMap, kArray };
// The last eight bytes as a number, or the whole digest.
enum class HashForm { kNumber, kBytes };

using Digest = std::span<const std::uint8_t>;  // at least eight bytes

class EventEncoder {
 public:
  struct StoredFields {
    std::span<const Digest> hashes;
    std::optional<Digest> parent;
    std::span<const TokenId> tokens;
    std::uint32_t block_size = 0;
    // What isolates the first of these blocks; the others have `other_keys`.
    std::span<const std::string> first_keys, other_keys;
    std::string_view medium = "GPU";
  };

  EventEncoder(EventForm form, HashForm hashes) : form_(form), hash_form_(hashes) {}

  void begin() {
    events_.clear();
    num_events_ = 0;
  }
  void stored(const StoredFields& fields);
  void removed(std::span<const Digest> hashes, std::string_view medium = "GPU");
  void all_cleared();
  [[nodiscard]] std::size_t num_events() const { return num_events_; }

  // The payload: [timestamp, events, rank].
  [[nodiscard]] std::string finish(double timestamp_s, std::uint32_t rank) const;

 private:
  void open(std::string_view tag, std::size_t num_fields);
  void key(std::string_view name);
  void hash(Digest digest);

  EventForm form_;
  HashForm hash_form_;
  std::string events_;
  std::size_t num_events_ = 0;
};

}  // namespace nacelle::kv_events
