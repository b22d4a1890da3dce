// writer.h: turns waiting writes into one transaction: checks, numbers, encodes.
//
// Home:    the store's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kube/store.h"
#include "kube/store/database.h"

namespace nacelle::kube::store {

struct PendingWrite {
  Write write;
  std::function<void(WriteOutcome)> done;
  WriteOutcome outcome;
  ChangePtr change;  // null: refused
};

// The object as others see it now; null when absent.
using Lookup = std::function<ObjectPtr(std::string_view collection, const ObjectKey& key)>;

// Decides every write in order, each seeing those before it, and numbers the accepted ones from
// `revision` + 1. Returns the number of the last one.
std::uint64_t decide_writes(std::span<PendingWrite> batch, std::uint64_t revision,
                            const Lookup& lookup);

// Stores what was decided. When the disk refuses a batch, nothing of it is stored.
[[nodiscard]] Status store_writes(std::span<PendingWrite> batch, std::uint64_t revision,
                                  Database& database);

}  // namespace nacelle::kube::store
