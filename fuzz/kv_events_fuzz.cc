// links: kv_events
// kv_events_fuzz.cc: payloads of KV events from engines that may be broken or hostile.
//
// Checks: nothing is read outside the input or sized beyond it; what the sink gets lies within what
// was announced; with and without tokens the same events come out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "kv_events/event_decoder.h"

namespace {

using namespace nacelle::kv_events;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Recorder final : EventSink {
  explicit Recorder(std::size_t size) : size(size) {}
  void add(std::uint64_t value) { trace = trace * 0x9E3779B97F4A7C15u + value; }
  void on_stored(const Stored& event) override {
    require(event.hashes.size() + event.tokens.size() <= size);
    require(event.first_extra_keys.size() <= size);
    for (const auto key : event.first_extra_keys) add(key.size());
    for (const std::uint64_t hash : event.hashes) add(hash);
    add(event.parent.value_or(1));
    add(event.block_size);
    add(event.lora_name.size());
    tokens += event.tokens.size();
  }
  void on_removed(const Removed& event) override {
    require(event.hashes.size() <= size);
    for (const std::uint64_t hash : event.hashes) add(~hash);
  }
  void on_all_cleared() override { add(2); }
  std::size_t size, tokens = 0;
  std::uint64_t trace = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Recorder with_tokens(size), without(size);
  EventDecoder reads(TokenUse::kRead), skips(TokenUse::kSkip);
  const auto a = reads.decode({data, size}, with_tokens);
  const auto b = skips.decode({data, size}, without);
  require(without.tokens == 0);
  // A token that is no number is only seen by who reads it.
  if (a.ok()) require(b.ok() && with_tokens.trace == without.trace);
  if (!b.ok()) require(!a.ok());
  return 0;
}
