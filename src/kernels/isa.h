// isa.h: the instruction sets that kernels exist for, and which of them this machine runs.
//
// kReference is plain C++ without intrinsics: the meaning of each op. kPortable is vector code for
// any machine, through Highway. Every set can be chosen on purpose, for tests and to reproduce a
// result; kAmxEmulated runs the code of kAmx with tiles in memory, on any CPU with AVX-512 BF16.
// Results of two sets agree within the tolerance each op states; within one set they are exact.
//
// Errors:  parse_isa() returns invalid_argument for an unknown name, failed_precondition for a set
//          that this CPU or operating system lacks.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::kernels {

enum class Isa : std::uint8_t {
  kReference,
  kPortable,     // 128 bits by Highway: SSE4.2 on x86-64, NEON on ARM
  kAvx2,         // AVX2, FMA, F16C
  kAvx512,       // AVX-512 F, BW, VL, DQ
  kAvx512Vnni,   // and VNNI: dot products of int8
  kAvx512Bf16,   // and BF16: dot products of bf16 pairs
  kAmx,          // and AMX tiles, bf16 and int8
  kAmxEmulated,  // kAmx in software: for tests, never chosen by itself
};

// The last (fastest) supported one. CPUID and the OS's saved state are asked once.
[[nodiscard]] Isa best_isa();

[[nodiscard]] bool is_supported(Isa isa);

// Slowest first, best_isa() last; kReference is always there.
[[nodiscard]] std::vector<Isa> supported_isas();

// "reference", "portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx", "amx_emulated".
[[nodiscard]] std::string_view to_string(Isa isa);

// The name's instruction set; "" and "auto" mean best_isa().
[[nodiscard]] Result<Isa> parse_isa(std::string_view name);

}  // namespace nacelle::kernels
