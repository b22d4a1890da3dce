// weights.h: the tensors of a checkpoint by name, from one file, several files with an index, or
// made up.
//
//   model.safetensors.index.json   names the shard of each tensor        } looked for
//   model.safetensors              all tensors                           } in this
//   *.safetensors                  all of them, without consolidated*    } order
//
// A fetched tensor has the asked shape and dtype. Where the file already has that dtype, it is a
// view of the mapping: nothing is copied.
//
// Home:    one thread; conversion and random numbers fan out on the pool.
// Errors:  not_found (folder, file, shard, tensor), invalid_argument (shape or dtype differs from
// what
//          config.json implies), data_loss (files that contradict themselves or each other).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernels/worker_pool.h"
#include "model/safetensors.h"
#include "tensor/buffer.h"
#include "tensor/tensor_view.h"

namespace nacelle::model {

// A tensor for as long as this object lives. A view of a file drops the file's pages from this
// process when it goes, so that packing does not keep two copies resident.
class Weight {
 public:
  Weight() = default;
  Weight(TensorView view, Buffer owned) : view_(view), owned_(std::move(owned)) {}
  Weight(TensorView view, const SafetensorsFile* file, const TensorInfo* tensor)
      : view_(view), file_(file), tensor_(tensor) {}
  Weight(Weight&& other) noexcept;
  Weight& operator=(Weight&& other) noexcept;
  ~Weight() { drop_pages(); }

  [[nodiscard]] const TensorView& view() const { return view_; }
  [[nodiscard]] bool is_file_view() const { return file_ != nullptr; }

  // Drops the file's pages now; the view stays valid and reads them again when asked.
  void drop_pages() const;

 private:
  friend class WeightStore;

  TensorView view_;
  Buffer owned_;
  const SafetensorsFile* file_ = nullptr;
  const TensorInfo* tensor_ = nullptr;
};

struct CheckpointFile {
  std::filesystem::path path;
  FileIdentity identity;
};

class WeightStore {
 public:
  virtual ~WeightStore() = default;

  // Opens and checks every file of the checkpoint. `pool` must outlive the store.
  [[nodiscard]] static Result<std::unique_ptr<WeightStore>> open(
      const std::filesystem::path& folder, kernels::WorkerPool& pool);
  // Every tensor exists: random, the same for the same seed, name and shape whatever the dtype and
  // the number of threads. Matrices keep activations near 1, norms are near 1, biases near 0.
  [[nodiscard]] static std::unique_ptr<WeightStore> dummy(std::uint64_t seed,
                                                          kernels::WorkerPool& pool);

  // The tensor rounded to `dtype`. The store must outlive the result.
  [[nodiscard]] virtual Result<Weight> fetch(std::string_view name, const Shape& shape,
                                             DType dtype) = 0;

  // The tensor in the dtype and shape it is stored with, aligned to its element: for packed formats,
  // whose reader checks both. Made-up tensors have no stored form: unimplemented.
  [[nodiscard]] virtual Result<Weight> fetch_stored(std::string_view name) = 0;

  // What a message calls the place of a tensor: its file, or the folder when no file has it.
  [[nodiscard]] virtual std::string place_of(std::string_view name) const = 0;

  // True when tensors come from no file, so that there is nothing but dense ones.
  [[nodiscard]] virtual bool is_made_up() const { return false; }

  // The dtype a tensor is stored in; nullopt when there is no such tensor or no file.
  [[nodiscard]] virtual std::optional<DType> stored_dtype(std::string_view name) const = 0;

  // The checkpoint's files as they were opened; none when the tensors are made up.
  [[nodiscard]] virtual std::vector<CheckpointFile> files() const { return {}; }

  // Tensors of the files that nothing fetched, so far.
  [[nodiscard]] virtual std::size_t num_unused() const = 0;

  // Takes back a tensor that nobody reads any more; its memory serves the next fetch, whose pages
  // the kernel then need not clear.
  void recycle(Weight weight);
  // Frees the memory that recycle() collected.
  void drop_recycled() { spare_.clear(); }

  // Memory for a new tensor, at least this large, its content undefined.
  [[nodiscard]] Result<Buffer> staging(std::size_t size_bytes);

 private:
  std::vector<Buffer> spare_;
};

}  // namespace nacelle::model
