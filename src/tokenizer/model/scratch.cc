#include "tokenizer/model/scratch.h"

#include <array>
#include <atomic>
#include <memory>

namespace nacelle::tokenizer {
namespace {

constexpr std::size_t kKeptSymbols = std::size_t{1} << 18;

struct Held {
  std::uint64_t model_number = 0;
  std::unique_ptr<Scratch> scratch;
};

}  // namespace

Scratch& Scratch::for_model(std::uint64_t model_number) {
  thread_local std::array<Held, kModelsPerThread> held;
  thread_local std::size_t next = 0;
  for (Held& each : held) {
    if (each.model_number == model_number) return *each.scratch;
  }
  Held& chosen = held[next++ % kModelsPerThread];
  chosen.scratch = std::make_unique<Scratch>();
  chosen.model_number = model_number;
  return *chosen.scratch;
}

std::uint64_t Scratch::next_model_number() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void Scratch::trim() {
  if (ids.capacity() > kKeptSymbols) ids = {};
  if (ranks.capacity() > kKeptSymbols) ranks = {};
  if (symbols.capacity() > kKeptSymbols) symbols = {};
  if (path.capacity() > kKeptSymbols) path = {};
  queue.trim(kKeptSymbols);
}

}  // namespace nacelle::tokenizer
