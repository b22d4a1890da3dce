// packed_file.h: a file of packed weights, mapped read-only and shared with other processes.
//
// The mapping starts at a 2 MiB boundary, so that a kernel that keeps the file in huge pages maps
// it with huge pages.
//
// Home:    immutable after open(); any thread. Matrices keep the mapping alive.
// Errors:  not_found without a file, data_loss for one that is not whole (packed_cache_format.h).
// Limits:  a file that shrinks while it is mapped kills the process on the next access (SIGBUS):
//          these files are replaced by rename, never written in place beyond their header. The
//          data has no checksum that a start would verify.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/gemm/gemm.h"
#include "kernels/worker_pool.h"
#include "model/packed_cache_format.h"

namespace nacelle::model {

class PackedFile {
 public:
  [[nodiscard]] static Result<PackedFile> open(const std::filesystem::path& path);

  [[nodiscard]] const PackedCacheHeader& header() const { return header_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // The matrix with its pages mapped: threads of the pool read them in where they are not in
  // memory. not_found when the file has no such matrix, unavailable when pages cannot be read.
  [[nodiscard]] Result<kernels::PackedMatrix> matrix(std::string_view name,
                                                     kernels::WorkerPool& pool) const;

  // Puts the mapping in the place of `matrix`, whose bytes in private memory are those of the
  // file: the private copy is freed, readers of the matrix never notice.
  [[nodiscard]] static Status share_memory(const kernels::PackedMatrix& matrix, int descriptor,
                                           std::uint64_t offset);

  // Writes the header again, in place; it must be as long as before. The caller holds the lock of
  // the folder: who reads a half-written one finds its checksum wrong, takes the lock, and looks
  // again.
  [[nodiscard]] static Status rewrite_header(const std::filesystem::path& path,
                                             const PackedCacheHeader& header);

 private:
  struct Mapping;

  std::filesystem::path path_;
  PackedCacheHeader header_;
  std::shared_ptr<const Mapping> mapping_;
};

}  // namespace nacelle::model
