// packed_cache_writer.h: turns packed matrices in memory into a file that other processes map.
//
// The file gets a temporary name, is written through to the disk, and then takes its place by
// rename: a reader sees the old file, none, or the whole new one. After that the writer's private
// copy gives way to the mapping, so that it shares the memory with those that come later.
//
// Home:    the calling thread; the matrices may be in use meanwhile.
// Errors:  resource_exhausted without disk space, unavailable when the checkpoint changed or the
//          disk fails, cancelled. Nothing is left behind then.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/gemm/gemm.h"
#include "model/packed_cache_format.h"
#include "model/weights.h"

namespace nacelle::model {

struct PackedCacheJob {
  struct Matrix {
    std::string name;
    kernels::PackedMatrix matrix;
  };
  std::filesystem::path file;
  std::uint64_t recipe = 0;
  std::vector<CheckpointFile> sources;
  std::vector<Matrix> matrices;
};

// The caller holds the lock of the file's folder. The number of bytes of the file.
[[nodiscard]] Result<std::uint64_t> write_packed_cache(const PackedCacheJob& job,
                                                       const std::stop_token& stop);

// The identities to believe later: none of a file that was changed within the last two seconds,
// since a clock tick may hide one more change.
[[nodiscard]] std::vector<PackedCacheHeader::Source> trusted_sources(
    std::span<const CheckpointFile> files, std::chrono::system_clock::time_point now);

}  // namespace nacelle::model
