// int8_rate.h: the limit of int8 products, beside machine_rates.h.
#pragma once

#include "kernels/worker_pool.h"

namespace nacelle::kernels {

// GOP/s (a multiply-add is two) of vpdpbusd on registers only, or of tiles on an AMX machine, all
// threads of the pool; measured once per number of threads. 0 where the machine has no VNNI.
[[nodiscard]] double register_int8_gops(WorkerPool& pool);

// The best burst of `seconds`, measured now. At least one burst.
[[nodiscard]] double register_int8_gops_now(WorkerPool& pool, double seconds);

}  // namespace nacelle::kernels
