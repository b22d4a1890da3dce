// context.h: where an op runs: on which threads, with which instructions.
//
// Every op takes a Context first. A model makes one at load and uses it throughout.
#pragma once

#include "kernels/isa.h"
#include "kernels/worker_pool.h"

namespace nacelle::kernels {

struct Context {
  WorkerPool& pool;
  Isa isa = best_isa();
};

}  // namespace nacelle::kernels
