// machine_memory.h: how much memory this process may ever hold.
//
// Large buffers cost nothing until they are touched, so an allocation that can never be backed
// succeeds and the process is killed later. Loaders compare their needs with this bound first.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace nacelle::model {

// Bytes of RAM, or the cgroup's limit where that is smaller.
[[nodiscard]] std::uint64_t machine_memory_bytes();

// The content of a cgroup v2 `memory.max` file; nullopt for "max" and for text that is no number.
[[nodiscard]] std::optional<std::uint64_t> parse_memory_max(std::string_view text);

// resource_exhausted, naming both numbers, when `needed_bytes` is beyond machine_memory_bytes().
[[nodiscard]] Status check_fits_memory(std::string_view what, double needed_bytes);

}  // namespace nacelle::model
