#include "kv_events/event_decoder.h"

#include <algorithm>
#include <iterator>

namespace nacelle::kv_events {
namespace {

bool equals_lower(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

// An integer of either sign, or a digest of which the last eight bytes count.
std::uint64_t read_hash(MsgpackReader& in) {
  using Kind = MsgpackReader::Kind;
  const Kind kind = in.peek();
  if (kind == Kind::kUint) return in.uint();
  if (kind == Kind::kInt) return static_cast<std::uint64_t>(in.integer());
  std::uint64_t value = 0;
  const auto digest = in.binary();
  if (in.ok() && digest.empty()) in.fail("an empty hash");
  const std::size_t size = std::min<std::size_t>(digest.size(), 8);
  for (const std::uint8_t byte : digest.last(size)) value = value << 8 | byte;
  return value;
}

}  // namespace

Medium parse_medium(std::string_view name) {
  if (name.empty() || equals_lower(name, "gpu")) return Medium::kGpu;
  return equals_lower(name, "cpu") ? Medium::kCpu : Medium::kDisk;
}

EventDecoder::Tag EventDecoder::tag_named(std::string_view name) {
  if (name == "BlockStored") return Tag::kStored;
  if (name == "BlockRemoved") return Tag::kRemoved;
  return name == "AllBlocksCleared" ? Tag::kCleared : Tag::kUnknown;
}

EventDecoder::Field EventDecoder::field_named(std::string_view name) {
  static constexpr std::pair<std::string_view, Field> kNames[] = {
      {"block_hashes", Field::kHashes}, {"parent_block_hash", Field::kParent},
      {"token_ids", Field::kTokens},    {"block_size", Field::kBlockSize},
      {"lora_id", Field::kLoraId},      {"medium", Field::kMedium},
      {"lora_name", Field::kLoraName},  {"extra_keys", Field::kExtraKeys},
      {"group_idx", Field::kGroup},     {"kv_cache_spec_kind", Field::kSpec}};
  for (const auto& [known, field] : kNames) {
    if (known == name) return field;
  }
  return Field::kOther;
}

Result<BatchHead> EventDecoder::decode(std::span<const std::uint8_t> payload, EventSink& sink) {
  MsgpackReader in(payload);
  BatchHead head;
  const std::uint32_t num_items = in.array();
  if (in.ok() && num_items < 2) in.fail("a batch has a timestamp and events");
  head.timestamp = in.real();
  const std::uint32_t num_events = in.ok() ? in.array() : 0;
  for (std::uint32_t i = 0; i < num_events && in.ok(); ++i) read_event(in, sink);
  for (std::uint32_t i = 2; i < num_items && in.ok(); ++i) {
    if (i == 2 && !in.take_nil()) {
      head.data_parallel_rank = in.integer();
    } else if (i > 2) {
      in.skip();
    }
  }
  if (in.ok() && !in.at_end()) in.fail("bytes behind the batch");
  if (!in.ok()) return in.status();
  return head;
}

void EventDecoder::read_event(MsgpackReader& in, EventSink& sink) {
  tag_ = Tag::kUnknown;
  event_ = {};
  has_group_ = false;
  spec_kind_ = {};
  hashes_.clear();
  tokens_.clear();
  extra_keys_.clear();
  if (in.peek() == MsgpackReader::Kind::kMap) {
    read_map_event(in);
  } else {
    read_array_event(in);
  }
  if (in.ok()) deliver(sink);
}

void EventDecoder::read_array_event(MsgpackReader& in) {
  static constexpr Field kStored[] = {
      Field::kHashes, Field::kParent,   Field::kTokens,    Field::kBlockSize, Field::kLoraId,
      Field::kMedium, Field::kLoraName, Field::kExtraKeys, Field::kGroup,     Field::kSpec};
  static constexpr Field kRemoved[] = {Field::kHashes, Field::kMedium, Field::kGroup};
  std::uint32_t left = in.array();
  if (in.ok() && left == 0) in.fail("an event has a tag");
  if (!in.ok()) return;
  tag_ = tag_named(in.text());
  std::span<const Field> fields;
  if (tag_ == Tag::kStored) fields = kStored;
  if (tag_ == Tag::kRemoved) fields = kRemoved;
  for (std::size_t i = 0; --left > 0 && in.ok(); ++i) {
    read_field(in, i < fields.size() ? fields[i] : Field::kOther);
  }
}

void EventDecoder::read_map_event(MsgpackReader& in) {
  for (std::uint32_t left = in.map(); left > 0 && in.ok(); --left) {
    const std::string_view key = in.text();
    if (!in.ok()) return;
    if (key == "type") {
      tag_ = tag_named(in.text());
    } else {
      read_field(in, field_named(key));
    }
  }
}

void EventDecoder::read_field(MsgpackReader& in, Field field) {
  if (field != Field::kOther && in.take_nil()) return;
  switch (field) {
    case Field::kHashes:
      return read_hashes(in);
    case Field::kParent:
      event_.parent = read_hash(in);
      if (*event_.parent == 0) event_.parent.reset();
      return;
    case Field::kTokens:
      return read_tokens(in);
    case Field::kBlockSize:
      event_.block_size =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(in.uint(), UINT32_MAX));
      return;
    case Field::kMedium:
      event_.medium = parse_medium(in.text());
      return;
    case Field::kLoraName:
      event_.lora_name = in.text();
      return;
    case Field::kExtraKeys:
      return read_extra_keys(in);
    case Field::kGroup:
      has_group_ = true;
      return in.skip();
    case Field::kSpec:
      spec_kind_ = in.text();
      return;
    case Field::kLoraId:
    case Field::kOther:
      return in.skip();
  }
}

void EventDecoder::read_hashes(MsgpackReader& in) {
  const std::uint32_t count = in.array();
  hashes_.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) hashes_.push_back(read_hash(in));
}

void EventDecoder::read_tokens(MsgpackReader& in) {
  const std::uint32_t count = in.array();
  if (token_use_ == TokenUse::kSkip) {
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) in.skip();
    return;
  }
  tokens_.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    tokens_.push_back(static_cast<TokenId>(in.integer()));
  }
}

// One entry per block: nil, or a list of texts or of [text, offset] pairs.
void EventDecoder::read_extra_keys(MsgpackReader& in) {
  const std::uint32_t blocks = in.array();
  for (std::uint32_t i = 0; i < blocks && in.ok(); ++i) {
    if (in.take_nil()) continue;
    const std::uint32_t keys = in.array();
    if (i > 0 && keys > 0) event_.has_more_extra_keys = true;
    for (std::uint32_t k = 0; k < keys && in.ok(); ++k) {
      if (i > 0) {
        in.skip();
      } else if (in.peek() == MsgpackReader::Kind::kArray) {
        std::uint32_t parts = in.array();
        if (parts == 0) return in.fail("an empty extra key");
        extra_keys_.push_back(in.text());
        while (--parts > 0 && in.ok()) in.skip();
      } else {
        extra_keys_.push_back(in.text());
      }
    }
  }
}

void EventDecoder::deliver(EventSink& sink) {
  const bool keeps_prefixes = spec_kind_.empty() || spec_kind_ == "full_attention" ||
                              spec_kind_ == "mla_attention" || spec_kind_ == "sink_full_attention";
  if (tag_ == Tag::kUnknown || (has_group_ && !keeps_prefixes)) {
    ++num_skipped_;
    return;
  }
  if (tag_ == Tag::kCleared) return sink.on_all_cleared();
  if (tag_ == Tag::kRemoved) return sink.on_removed({hashes_, event_.medium});
  event_.hashes = hashes_;
  event_.tokens = tokens_;
  event_.first_extra_keys = extra_keys_;
  sink.on_stored(event_);
}

}  // namespace nacelle::kv_events
