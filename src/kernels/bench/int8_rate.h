// int8_rate.h: the limit of int8 products, beside machine_rates.h.
#pragma once

#include "kernels/isa.h"
#include "kernels/worker_pool.h"

namespace nacelle::kernels {

// GOP/s (a multiply-add is two) of int8 products on registers only, all threads of the pool, with
// the instructions of one set: tiles on kAmx, vpdpbusd on kAvx512Vnni, vpmaddwd and vpaddd on
// kAvx512 and kAvx2. Measured once per set and number of threads. 0 where the machine has no such
// instructions, and for other sets.
[[nodiscard]] double register_int8_gops(WorkerPool& pool, Isa isa);

// The best burst of `seconds`, measured now. At least one burst.
[[nodiscard]] double register_int8_gops_now(WorkerPool& pool, Isa isa, double seconds);

}  // namespace nacelle::kernels
