#include "yardstick/limits.h"

#include <algorithm>
#include <cstring>

#include "kernels/bench/int8_rate.h"
#include "kernels/bench/machine_rates.h"

namespace nacelle::yardstick {
namespace {

using kernels::Isa;
using kernels::WeightFormat;

// A register loop of kernels/bench. A new instruction is a line here and one in roof_name().
struct Loop {
  const char* name;
  Isa isa;  // the first set that has it
  double (*measure)(kernels::WorkerPool&, double seconds);
};

template <Isa isa, bool bf16_pairs>
double floating(kernels::WorkerPool& pool, double seconds) {
  return kernels::register_gflops_now(pool, isa, bf16_pairs, seconds);
}

template <Isa isa>
double int8(kernels::WorkerPool& pool, double seconds) {
  return kernels::register_int8_gops_now(pool, isa, seconds);
}

constexpr Loop kLoops[] = {
    {"f32, portable", Isa::kPortable, floating<Isa::kPortable, false>},
    {"f32, avx2", Isa::kAvx2, floating<Isa::kAvx2, false>},
    {"f32, avx512", Isa::kAvx512, floating<Isa::kAvx512, false>},
    {"bf16, avx512_bf16", Isa::kAvx512Bf16, floating<Isa::kAvx512Bf16, true>},
    {"bf16, amx", Isa::kAmx, floating<Isa::kAmx, true>},
    {"int8, avx2", Isa::kAvx2, int8<Isa::kAvx2>},
    {"int8, avx512", Isa::kAvx512, int8<Isa::kAvx512>},
    {"int8, avx512_vnni", Isa::kAvx512Vnni, int8<Isa::kAvx512Vnni>},
    {"int8, amx", Isa::kAmx, int8<Isa::kAmx>},
};

const Loop& loop_of(const Roof& roof) {
  return *std::find_if(std::begin(kLoops), std::end(kLoops),
                       [&](const Loop& loop) { return roof.name == loop.name; });
}

constexpr std::size_t kReadBytes = std::size_t{1} << 30;

}  // namespace

std::string roof_name(Isa isa, WeightFormat format) {
  const bool int8 = format == WeightFormat::kInt8;
  const bool bf16 = format == WeightFormat::kBF16 || format == WeightFormat::kInt4;
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return "f32, portable";
    case Isa::kAvx2:
      return int8 ? "int8, avx2" : "f32, avx2";
    case Isa::kAvx512:
      return int8 ? "int8, avx512" : "f32, avx512";
    case Isa::kAvx512Vnni:
      return int8 ? "int8, avx512_vnni" : "f32, avx512";
    case Isa::kAvx512Bf16:
    case Isa::kAmxEmulated:  // tiles are made of these instructions
      return int8 ? "int8, avx512_vnni" : bf16 ? "bf16, avx512_bf16" : "f32, avx512";
    case Isa::kAmx:
      return int8 ? "int8, amx" : bf16 ? "bf16, amx" : "f32, avx512";
  }
  return "";
}

std::vector<RoofLine> roof_lines() {
  std::vector<RoofLine> lines;
  for (const Loop& loop : kLoops) lines.push_back({loop.name, loop.isa});
  return lines;
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
    const Loop& loop = loop_of(roof);
    roof.one_thread = std::max(roof.one_thread, loop.measure(one, seconds));
    roof.all_threads = std::max(roof.all_threads, loop.measure(*pool_, seconds));
  }
  const auto read = [&](kernels::WorkerPool& pool, double& best) {
    best = std::max(best, kernels::read_gbytes_per_s_now(pool, memory_.bytes(), seconds));
  };
  read(one, limits_.read.one_thread);
  read(*pool_, limits_.read.all_threads);
}

Limits LimitMeter::refresh(const std::string& roof_name, double seconds) {
  Limits now;
  for (Roof& roof : limits_.arithmetic) {
    if (roof.name != roof_name) continue;
    const double rate = loop_of(roof).measure(*pool_, seconds);
    roof.all_threads = std::max(roof.all_threads, rate);
    now.arithmetic.push_back({.name = roof.name, .all_threads = rate});
  }
  now.read = {.name = limits_.read.name,
              .all_threads = kernels::read_gbytes_per_s_now(*pool_, memory_.bytes(), seconds)};
  limits_.read.all_threads = std::max(limits_.read.all_threads, now.read.all_threads);
  return now;
}

}  // namespace nacelle::yardstick
