// content_hash.h: a checkpoint's identity by what its files hold, not by where or when.
//
// XXH3 with 128 bits over the files' names, sizes and content, in pieces that threads share: about
// 0.1 s for a GiB in the page cache. It tells checkpoints apart; it does not withstand somebody who
// builds two that collide, and who can write a checkpoint needs no collision.
//
// Errors:  unavailable when a file cannot be read, or is not the one that was opened before.
#pragma once

#include <span>

#include "base/result.h"
#include "kernels/worker_pool.h"
#include "model/packed_cache_format.h"
#include "model/weights.h"

namespace nacelle::model {

// `pool` may be null: then the calling thread reads alone.
[[nodiscard]] Result<ContentHash> hash_content(std::span<const CheckpointFile> files,
                                               kernels::WorkerPool* pool);

}  // namespace nacelle::model
