// yardstick.h: how close the kernels and a whole model come to what this machine can do.
//
// run() measures the machine's limits (arithmetic from registers, reading of memory), then each
// case of its table beside oneDNN where that has the same product, and the limits again between the
// groups of cases. Calls of ours and of the peer take turns, so that a busy moment hits both; the
// best call is compared with the best limit, and the median shows the noise.
//
// A new kernel or shape is a row of a table: gemm_cases.cc, attention_cases.cc, model_cases.cc.
//
// Home:    the calling thread, with a worker pool of its own. Reads clocks, allocates up to 4 GiB.
// Errors:  resource_exhausted without memory, invalid_argument for a filter that fits no case.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

enum class Effort { kQuick, kFull };  // below a minute; several minutes

// A weight of a product, [n, k].
struct MatrixShape {
  std::size_t k = 0;
  std::size_t n = 0;
};

struct Config {
  kernels::Isa isa = kernels::best_isa();
  std::size_t threads = kernels::threads_for_this_process();
  Effort effort = Effort::kFull;
  bool onednn = true;
  std::vector<MatrixShape> shapes;  // of the products; empty = the table's
  std::string only;                 // groups whose name contains this; "" = all
};

// Called before each piece of work; `done` of `total` pieces are finished.
using Progress = std::function<void(std::size_t done, std::size_t total, std::string_view next)>;

[[nodiscard]] Result<Report> run(const Config& config, const Progress& progress);

// What run() would measure: names of the groups, in order.
[[nodiscard]] std::vector<std::string> group_names(const Config& config);

}  // namespace nacelle::yardstick
