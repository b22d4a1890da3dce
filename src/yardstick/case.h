// case.h: one line of the yardstick's table, and how it is run.
//
// A group's cases share what is expensive to make: packed weights, a loaded model. The group knows
// its rows before anything is made, so that progress can be shown and tests can read the table.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "yardstick/onednn.h"
#include "yardstick/report.h"
#include "yardstick/yardstick.h"

namespace nacelle::yardstick {

// Where cases run. One thread uses it: the caller of run().
struct Lab {
  kernels::WorkerPool& pool;
  kernels::Isa isa;
  OneDnn* onednn;  // null without it
};

using Call = std::function<void()>;

// The two sides of a case. A side that cannot be made is empty.
struct Contest {
  Call ours;
  std::function<Result<Call>()> make_peer;  // made for one case at a time: packed copies are large
};

struct Group {
  std::string name;
  std::vector<Row> rows;  // without timings
  // One contest per row, in order. What they need lives in the closures.
  std::function<Result<std::vector<Contest>>(Lab&)> prepare;
  std::size_t min_calls = 5;  // of each side; the patience of timing.h decides about more
};

[[nodiscard]] std::vector<Group> gemm_groups(const Config& config);
[[nodiscard]] std::vector<Group> attention_groups(const Config& config);
[[nodiscard]] std::vector<Group> row_groups(const Config& config);
[[nodiscard]] std::vector<Group> model_groups(const Config& config);

}  // namespace nacelle::yardstick
