// event_decoder.h: the payload of a KV event message, in either form, to calls of an EventSink.
//
// A batch is [timestamp, events, rank?, ...]; an event is an array with its tag first, or a map
// with the key "type". Events of kinds that are not known, and of groups whose attention does not
// keep whole prefixes, are skipped.
//
// Home:    one thread; buffers are reused between calls.
// Errors:  invalid_argument with the byte where the message stops making sense. Events before it
//          were handed over already: the mirror should be dropped.
// Bounds:  buffers are as large as the message allows (8 bytes per announced hash).
// Source:  engine.md section 24; router.md section 11.3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "kv_events/event.h"
#include "kv_events/msgpack_reader.h"

namespace nacelle::kv_events {

enum class TokenUse { kRead, kSkip };

class EventDecoder {
 public:
  explicit EventDecoder(TokenUse tokens) : token_use_(tokens) {}

  [[nodiscard]] Result<BatchHead> decode(std::span<const std::uint8_t> payload, EventSink& sink);

  // Events that were skipped because of their kind or group.
  [[nodiscard]] std::uint64_t num_skipped() const { return num_skipped_; }

 private:
  enum class Field {
    kHashes,
    kParent,
    kTokens,
    kBlockSize,
    kLoraId,
    kMedium,
    kLoraName,
    kExtraKeys,
    kGroup,
    kSpec,
    kOther
  };
  enum class Tag { kStored, kRemoved, kCleared, kUnknown };

  void read_event(MsgpackReader& in, EventSink& sink);
  void read_array_event(MsgpackReader& in);
  void read_map_event(MsgpackReader& in);
  void read_field(MsgpackReader& in, Field field);
  void read_hashes(MsgpackReader& in);
  void read_tokens(MsgpackReader& in);
  void read_extra_keys(MsgpackReader& in);
  void deliver(EventSink& sink);
  static Tag tag_named(std::string_view name);
  static Field field_named(std::string_view name);

  TokenUse token_use_;
  std::uint64_t num_skipped_ = 0;
  // Of the event in hand.
  Tag tag_ = Tag::kUnknown;
  Stored event_;
  bool has_group_ = false;
  std::string_view spec_kind_;
  std::vector<std::uint64_t> hashes_;
  std::vector<TokenId> tokens_;
  std::vector<std::string_view> extra_keys_;
};

}  // namespace nacelle::kv_events
