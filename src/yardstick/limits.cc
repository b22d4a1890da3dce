#include "yardstick/limits.h"

#include <algorithm>
#include <cstring>

#include "kernels/bench/machine_rates.h"

namespace nacelle::yardstick {
namespace {

using kernels::Isa;
using kernels::WeightFormat;

// A register loop of kernels/bench/machine_rates.h.
struct Loop {
  const char* name;
  Isa isa;
  bool bf16_pairs;
};

constexpr Loop kLoops[] = {
    {"f32, avx2", Isa::kAvx2, false},
    {"f32, avx512", Isa::kAvx512, false},
    {"bf16, avx512_bf16", Isa::kAvx512Bf16, true},
};

constexpr std::size_t kReadBytes = std::size_t{1} << 30;

double measure(kernels::WorkerPool& pool, const Loop& loop, double seconds) {
  return kernels::register_gflops_now(pool, loop.isa, loop.bf16_pairs, seconds);
}

}  // namespace

std::string roof_name(Isa isa, WeightFormat format) {
  const bool bf16 = format == WeightFormat::kBF16 || format == WeightFormat::kInt4;
  if (bf16 && isa >= Isa::kAvx512Bf16) return "bf16, avx512_bf16";
  return isa >= Isa::kAvx512 ? "f32, avx512" : "f32, avx2";
}

Result<LimitMeter> LimitMeter::make(kernels::WorkerPool& pool) {
  LimitMeter meter(pool);
  ASSIGN_OR_RETURN(meter.memory_, Buffer::allocate(kReadBytes));
  // Pages that were never written are all one page of zeros.
  std::memset(meter.memory_.data(), 1, kReadBytes);
  for (const Loop& loop : kLoops) {
    if (kernels::is_supported(loop.isa)) meter.limits_.arithmetic.push_back({.name = loop.name});
  }
  meter.limits_.read.name = "read";
  return meter;
}

void LimitMeter::measure_all(double seconds) {
  kernels::WorkerPool one(1);
  for (Roof& roof : limits_.arithmetic) {
    const Loop& loop = *std::find_if(std::begin(kLoops), std::end(kLoops),
                                     [&](const Loop& l) { return roof.name == l.name; });
    roof.one_thread = std::max(roof.one_thread, measure(one, loop, seconds));
    roof.all_threads = std::max(roof.all_threads, measure(*pool_, loop, seconds));
  }
  Roof& read = limits_.read;
  read.one_thread =
      std::max(read.one_thread, kernels::read_gbytes_per_s_now(one, memory_.bytes(), seconds));
  read.all_threads =
      std::max(read.all_threads, kernels::read_gbytes_per_s_now(*pool_, memory_.bytes(), seconds));
}

void LimitMeter::refresh(Isa isa, double seconds) {
  for (const WeightFormat format : {WeightFormat::kBF16, WeightFormat::kInt8}) {
    const std::string name = roof_name(isa, format);
    for (Roof& roof : limits_.arithmetic) {
      if (roof.name != name) continue;
      const Loop& loop = *std::find_if(std::begin(kLoops), std::end(kLoops),
                                       [&](const Loop& l) { return name == l.name; });
      roof.all_threads = std::max(roof.all_threads, measure(*pool_, loop, seconds));
    }
  }
  limits_.read.all_threads = std::max(
      limits_.read.all_threads, kernels::read_gbytes_per_s_now(*pool_, memory_.bytes(), seconds));
}

}  // namespace nacelle::yardstick
