// cpu_list.h: sets of CPUs or nodes in the kernel's text form: "0-3,8,10-11".
//
// Used by sysfs (cpu/online, node*/cpulist, thread_siblings_list) and by people who bind threads.
//
// Errors:  parse_cpu_list() returns nullopt for anything that is no such list, and for numbers of
//          kMaxCpus and above.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::kernels {

using CpuNumber = std::uint32_t;
using CpuList = std::vector<CpuNumber>;  // ascending, without repetition

inline constexpr CpuNumber kMaxCpus = 1u << 16;  // far above what any kernel is built for

// "" and "\n" are the empty list, as the kernel writes it. White space may surround the whole.
[[nodiscard]] std::optional<CpuList> parse_cpu_list(std::string_view text);

// {0, 1, 2, 5} -> "0-2,5".
[[nodiscard]] std::string format_cpu_list(const CpuList& list);

[[nodiscard]] bool contains(const CpuList& list, CpuNumber cpu);

}  // namespace nacelle::kernels
