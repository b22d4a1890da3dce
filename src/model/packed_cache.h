// packed_cache.h: packed weights of a checkpoint on disk, mapped by every process that serves it.
//
// Packing (and quantising) a checkpoint takes longer than everything else at start, and leaves each
// process with a copy of its own. The first process that loads a checkpoint writes the packed
// matrices to one file; later ones map it and read none of the large tensors. Its name holds the
// quantisation, dtype and instruction set, so that a newer one takes the place of an older one:
//
//   MODEL/.nacelle/bf16-avx512_bf16.packed        or below the folder that the options name
//
// A file is believed when (1) its recipe is ours: format, config.json, overrides, quantisation,
// dtype, instruction set, and what packing makes of sample weights, so that a changed layout or
// quantiser is seen without anybody counting versions; and (2) the checkpoint is the one it was
// made of: same names, sizes, inodes, mtimes and ctimes, or else the same hash over all bytes. A
// write sets ctime and no program can set it back; what remains is a changed file with the clock
// set back, or a file system without ctime.
//
// Matrices whose inputs are put in an order of their own (act order: compressed-tensors and GPTQ)
// are not in the file, as the order is none of it: each start packs them.
//
//   open():  a good file is mapped. Otherwise one process takes the folder's lock and packs; others
//            wait for it for a while, and pack for themselves after that.
//   finish(): the lock holder writes the file in a thread of its own, while the engine serves.
//
// Home:    the loading thread; the writer is a thread of its own and touches nothing of ours.
// Errors:  none reach the caller: without a cache a model loads as if there were none. What
//          happened is reported as events.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_lock.h"
#include "kernels/context.h"
#include "model/packed_cache_options.h"
#include "model/packed_cache_writer.h"
#include "model/packed_file.h"
#include "model/weights.h"
#include "tensor/dtype.h"

namespace nacelle::model {

// What, beside the content of the checkpoint, decides the packed bytes.
struct PackedRecipe {
  std::filesystem::path model_folder;
  std::string config;        // config.json and what overrides it
  std::string quantization;  // "" = as the checkpoint says
  DType dtype = DType::kBF16;
};

class PackedCache {
 public:
  // Null when the options, the size or the disk say that there is none. `pool` is used here and in
  // find().
  [[nodiscard]] static std::unique_ptr<PackedCache> open(const PackedCacheOptions& options,
                                                         const PackedRecipe& recipe,
                                                         const WeightStore& store,
                                                         const kernels::Context& context);
  ~PackedCache();

  // The matrix of that name, shape and order of parts, mapped; nullopt: pack it, then add() it.
  [[nodiscard]] std::optional<kernels::PackedMatrix> find(
      std::string_view name, std::size_t n, std::size_t k,
      kernels::Stacking stacking = kernels::Stacking::kOneAfterTheOther);
  void add(std::string name, const kernels::PackedMatrix& matrix);

  // All matrices were added or found. Begins to write when this process holds the lock. The thread
  // ends with this object: a file that is not complete by then is given up.
  void finish();

  [[nodiscard]] bool is_mapped() const { return file_.has_value(); }

 private:
  PackedCache(const PackedCacheOptions& options, DType dtype, const kernels::Context& context)
      : options_(options), dtype_(dtype), context_(context) {}

  // Maps the file when it may be used; else why not. not_found is the ordinary case.
  [[nodiscard]] Status try_map(const std::filesystem::path& path);
  [[nodiscard]] Status check_content(const PackedFile& file);
  void map_or_lock(const std::vector<std::filesystem::path>& folders, const std::string& name);
  [[nodiscard]] Status lock_folder(const std::filesystem::path& folder,
                                   const std::filesystem::path& file);
  void report(PackedCacheEvent::Kind kind, const std::filesystem::path& file, std::string why = "",
              std::uint64_t bytes = 0) const;

  const PackedCacheOptions options_;
  const DType dtype_;
  const kernels::Context context_;
  PackedCacheJob job_;  // what to write; job_.sources and job_.recipe also judge what is there
  std::optional<ContentHash> content_;  // of job_.sources, once it was needed
  std::optional<PackedFile> file_;
  std::optional<FileLock> lock_;
  std::jthread writer_;
};

}  // namespace nacelle::model
