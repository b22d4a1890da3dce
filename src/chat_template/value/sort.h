// sort.h: stable sorting whose comparison may fail, as comparing 1 with 'a' does.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// The order of `keys`: positions, smallest key first; equal keys keep their order, also when
// reversed. n log n comparisons.
Result<std::vector<std::size_t>> sorted_order(Runtime& runtime, const std::vector<Value>& keys,
                                              bool reverse);

// By key.
Status sort_entries(Runtime& runtime, std::vector<const DictObject::Entry*>& entries);

}  // namespace nacelle::chat_template
