// causal_lm.h: a decoder-only language model that turns a batch of token chunks into logits.
//
// Weights, packed matrices and the paged KV memory live behind this face. A batch may mix prefill
// chunks and decode tokens of many sequences. The result of a row depends only on that sequence's own
// tokens, bit for bit: not on the batch, the chunking, or whether its prefix came from the cache.
//
// Home:    one thread at a time (the engine loop); kernels fan out on the WorkerPool given at load.
// Errors:  load() reports every way a folder can be wrong as a Status; forward() cannot fail.
// Source:  engine.md sections 28 and 31.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/token.h"
#include "model/config.h"
#include "model/packed_cache_options.h"
#include "tensor/dtype.h"

namespace nacelle::kernels {
class WorkerPool;
}

namespace nacelle::model {

// Consecutive tokens of one sequence within a batch.
struct SequenceChunk {
  std::uint32_t first_row = 0;       // row of the chunk's first token in ForwardBatch::tokens
  std::uint32_t num_tokens = 0;
  std::uint32_t first_position = 0;  // absolute position of that first token in the sequence
  std::span<const std::uint32_t> block_table;  // covers at least first_position + num_tokens slots
};

struct ForwardBatch {
  std::span<const TokenId> tokens;           // [rows]
  std::span<const SequenceChunk> chunks;     // tile `tokens` without gaps
  std::span<const std::uint32_t> logit_rows; // rows whose logits are wanted, ascending
};

enum class LoadFormat { kSafetensors, kDummy };

struct LoadOptions {
  LoadFormat format = LoadFormat::kSafetensors;
  std::optional<DType> dtype;        // nullopt = auto: the checkpoint's (f32 stays f32)
  std::optional<DType> kv_dtype;     // of K and V; nullopt = auto: the model's. Also f8_e4m3, i8
  std::uint64_t dummy_seed = 0;
  std::string hf_overrides_json;     // merged into config.json; "" = none
  std::string isa;                   // "" = the best this CPU has
  PackedCacheOptions packed_cache;   // packed weights on disk; off by default
  std::string quantization;          // as --quantization, see quantization/load_quantization.h; "" = as stored
  // Called from the loading thread with the share done in [0, 1]. May be empty.
  std::function<void(double fraction)> progress;
};

// Whether LoadOptions::quantization may have this value; the message lists those it may have.
[[nodiscard]] Status check_quantization_name(std::string_view name);

class CausalLm {
 public:
  // `pool` must outlive the model.
  [[nodiscard]] static Result<std::unique_ptr<CausalLm>> load(const std::filesystem::path& folder,
                                                              const LoadOptions& options,
                                                              kernels::WorkerPool& pool);
  virtual ~CausalLm() = default;

  [[nodiscard]] virtual const ModelConfig& config() const = 0;
  [[nodiscard]] virtual DType dtype() const = 0;         // of weights and activations into matmuls
  [[nodiscard]] virtual std::size_t weight_bytes() const = 0;
  // How the matrices are stored: "bf16", "int8", "int4-g128, head int8".
  [[nodiscard]] virtual std::string weight_format() const = 0;

  // Memory that a batch of `rows` tokens takes beside weights, KV and logits, once it has run.
  [[nodiscard]] virtual std::size_t activation_bytes(std::uint32_t rows) const {
    (void)rows;
    return 0;
  }

  // Bytes of K and V of all layers for one block of `block_size` tokens.
  [[nodiscard]] virtual std::size_t kv_bytes_per_block(std::uint32_t block_size) const = 0;
  // Reserves the KV memory; call once before forward(). resource_exhausted when it cannot be had.
  [[nodiscard]] virtual Status allocate_kv(std::uint32_t num_blocks, std::uint32_t block_size) = 0;

  // Runs the batch, writes K and V of its tokens into their blocks, and the logits of `logit_rows` as
  // f32 [logit_rows.size(), config().vocab_size].
  virtual void forward(const ForwardBatch& batch, std::span<float> logits) = 0;
};

}  // namespace nacelle::model
