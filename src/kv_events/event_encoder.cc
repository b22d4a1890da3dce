#include "kv_events/event_encoder.h"

#include "base/check.h"
#include "kv_events/msgpack_writer.h"

namespace nacelle::kv_events {
namespace {

void put_extra(MsgpackWriter& out, std::span<const std::string> keys) {
  if (keys.empty()) return out.nil();
  out.array(keys.size());
  for (const std::string& key : keys) out.text(key);
}

}  // namespace

void EventEncoder::open(std::string_view tag, std::size_t num_fields) {
  MsgpackWriter out(events_);
  if (form_ == EventForm::kMap) {
    out.map(1 + num_fields);
    out.text("type");
  } else {
    out.array(1 + num_fields);
  }
  out.text(tag);
  ++num_events_;
}

void EventEncoder::key(std::string_view name) {
  if (form_ == EventForm::kMap) MsgpackWriter(events_).text(name);
}

void EventEncoder::hash(Digest digest) {
  CHECK(digest.size() >= 8);
  MsgpackWriter out(events_);
  if (hash_form_ == HashForm::kBytes) return out.binary(digest);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : digest.last(8)) value = value << 8 | byte;
  out.uint(value);
}

void EventEncoder::stored(const StoredFields& fields) {
  MsgpackWriter out(events_);
  // The array form has every position; the map form leaves the sliding window out when unset.
  open("BlockStored", form_ == EventForm::kMap ? 10 : 11);
  key("block_hashes");
  out.array(fields.hashes.size());
  for (const Digest digest : fields.hashes) hash(digest);
  key("parent_block_hash");
  fields.parent ? hash(*fields.parent) : out.nil();
  key("token_ids");
  out.array(fields.tokens.size());
  for (const TokenId token : fields.tokens) out.integer(token);
  key("block_size");
  out.uint(fields.block_size);
  key("lora_id");
  out.nil();
  key("medium");
  out.text(fields.medium);
  key("lora_name");
  out.nil();
  key("extra_keys");
  out.array(fields.hashes.size());
  for (std::size_t i = 0; i < fields.hashes.size(); ++i) {
    put_extra(out, i == 0 ? fields.first_keys : fields.other_keys);
  }
  key("group_idx");
  out.uint(0);
  key("kv_cache_spec_kind");
  out.text("full_attention");
  if (form_ == EventForm::kArray) out.nil();  // the sliding window
}

void EventEncoder::removed(std::span<const Digest> hashes, std::string_view medium) {
  MsgpackWriter out(events_);
  open("BlockRemoved", 3);
  key("block_hashes");
  out.array(hashes.size());
  for (const Digest digest : hashes) hash(digest);
  key("medium");
  out.text(medium);
  key("group_idx");
  out.uint(0);
}

void EventEncoder::all_cleared() { open("AllBlocksCleared", 0); }

std::string EventEncoder::finish(double timestamp_s, std::uint32_t rank) const {
  std::string payload;
  payload.reserve(events_.size() + 32);
  MsgpackWriter out(payload);
  out.array(3);
  out.real(timestamp_s);
  out.array(num_events_);
  payload += events_;
  out.uint(rank);
  return payload;
}

}  // namespace nacelle::kv_events
