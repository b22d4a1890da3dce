#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <array>

namespace nacelle::kernels {
namespace {

constexpr std::array kAll = {Isa::kReference, Isa::kAmxEmulated, Isa::kPortable,   Isa::kAvx2,
                             Isa::kAvx512,    Isa::kAvx512Vnni,  Isa::kAvx512Bf16, Isa::kAmx};

#if defined(__x86_64__)

constexpr bool bit(unsigned word, unsigned index) { return ((word >> index) & 1u) != 0; }

// XCR0: the register state that the operating system saves on a context switch.
unsigned saved_state() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Linux hands out the 8 KiB of tile state only to a process that asks for it, once.
bool may_use_tiles(unsigned state) {
  constexpr unsigned long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr unsigned long kTileData = 18;
  return (state & 0x60000u) == 0x60000u &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Isa detect() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return Isa::kReference;
  if (!bit(c, 9) || !bit(c, 19) || !bit(c, 20)) return Isa::kReference;  // SSSE3, SSE4.1, SSE4.2
  const bool osxsave = bit(c, 27);
  const bool avx = bit(c, 28);
  const bool fma = bit(c, 12);
  const bool f16c = bit(c, 29);
  if (!osxsave || !avx || !fma || !f16c) return Isa::kPortable;
  const unsigned state = saved_state();
  if ((state & 0x6u) != 0x6u) return Isa::kPortable;  // xmm, ymm
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || !bit(b, 5)) return Isa::kPortable;
  const bool avx512 = bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);  // F, DQ, BW, VL
  if (!avx512 || (state & 0xe6u) != 0xe6u) return Isa::kAvx2;                // opmask, zmm
  if (!bit(c, 11)) return Isa::kAvx512;
  const bool amx = bit(d, 22) && bit(d, 24) && bit(d, 25);  // BF16, TILE, INT8
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0 || !bit(a, 5)) return Isa::kAvx512Vnni;
  return amx && may_use_tiles(state) ? Isa::kAmx : Isa::kAvx512Bf16;
}

#else

Isa detect() { return Isa::kPortable; }

#endif

}  // namespace

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

bool is_supported(Isa isa) {
  if (isa == Isa::kAmxEmulated) return best_isa() >= Isa::kAvx512Bf16;
  return isa <= best_isa();
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> supported;
  for (const Isa isa : kAll) {
    if (is_supported(isa)) supported.push_back(isa);
  }
  return supported;
}

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return "reference";
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Vnni:
      return "avx512_vnni";
    case Isa::kAvx512Bf16:
      return "avx512_bf16";
    case Isa::kAmx:
      return "amx";
    case Isa::kAmxEmulated:
      return "amx_emulated";
  }
  return "unknown";
}

Result<Isa> parse_isa(std::string_view name) {
  if (name.empty() || name == "auto") return best_isa();
  for (const Isa isa : kAll) {
    if (to_string(isa) != name) continue;
    if (!is_supported(isa)) {
      return failed_precondition("this machine does not run {} code; its best is {}", name,
                                 to_string(best_isa()));
    }
    return isa;
  }
  return invalid_argument(
      "unknown instruction set '{}'; known: auto, reference, portable, avx2, avx512, avx512_vnni, "
      "avx512_bf16, amx, amx_emulated",
      name);
}

}  // namespace nacelle::kernels
