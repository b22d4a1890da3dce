#include "model/causal_lm.h"

#include <utility>

#include "base/file.h"
#include "kernels/context.h"
#include "model/arch/activations.h"
#include "model/arch/decoder.h"
#include "model/arch/family.h"
#include "model/machine_memory.h"
#include "model/packed_cache.h"
#include "model/quantization/load_quantization.h"
#include "model/quantization/quantization_spec.h"
#include "model/weights.h"

namespace nacelle::model {
namespace {

class DecoderLm : public CausalLm {
 public:
  DecoderLm(ModelConfig config, DType dtype, DType kv_dtype, const kernels::Context& context)
      : config_(std::move(config)),
        dtype_(dtype),
        kv_dtype_(kv_dtype),
        context_(context),
        rotary_(rope_frequencies(config_)) {}

  Status load_weights(std::unique_ptr<WeightStore> store, const LoadQuantization& quantization,
                      std::unique_ptr<PackedCache> cache,
                      const std::function<void(double)>& progress) {
    store_ = std::move(store);
    cache_ = std::move(cache);
    DecoderSpec spec = find_family(config_.architecture)->spec(config_);
    ASSIGN_OR_RETURN(DecoderWeights weights,
                     DecoderWeights::load(config_, spec, *store_, dtype_, quantization,
                                          cache_.get(), context_, progress));
    if (cache_ != nullptr) cache_->finish();
    decoder_ =
        std::make_unique<Decoder>(config_, std::move(spec), std::move(weights), dtype_, context_);
    return {};
  }

  const ModelConfig& config() const override { return config_; }
  DType dtype() const override { return dtype_; }
  std::size_t weight_bytes() const override { return decoder_->weights().size_bytes(); }

  std::string weight_format() const override { return decoder_->weights().format(); }

  std::size_t activation_bytes(std::uint32_t rows) const override {
    // And the rows of one product as its kernel wants them.
    const std::size_t product_bytes = std::size_t{config_.intermediate_size} * sizeof(float);
    return Activations::bytes(config_, dtype_, rows) + rows * product_bytes;
  }

  std::size_t kv_bytes_per_block(std::uint32_t block_size) const override {
    return layout(1, block_size).bytes_per_block() * config_.num_layers;
  }

  Status allocate_kv(std::uint32_t num_blocks, std::uint32_t block_size) override {
    if (!kv_.empty()) return failed_precondition("the KV memory is already allocated");
    ASSIGN_OR_RETURN(KvCache kv,
                     KvCache::allocate(layout(num_blocks, block_size), config_.num_layers));
    kv_ = std::move(kv);
    return {};
  }

  void forward(const ForwardBatch& batch, std::span<float> logits) override {
    decoder_->forward(batch, kv_, rotary_, logits);
  }

 private:
  kernels::KvLayout layout(std::uint32_t num_blocks, std::uint32_t block_size) const {
    return {.num_blocks = num_blocks,
            .block_size = block_size,
            .num_kv_heads = config_.num_kv_heads,
            .head_dim = config_.head_dim,
            .dtype = kv_dtype_};
  }

  const ModelConfig config_;
  const DType dtype_;
  const DType kv_dtype_;
  const kernels::Context context_;
  std::unique_ptr<WeightStore> store_;  // the embedding is a view of its files
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<PackedCache> cache_;  // may write while the model runs; ends before the weights
  KvCache kv_;
  RotaryTable rotary_;
};

// Asked for, else what config.json says, else what the checkpoint holds, else f32.
Result<DType> choose_dtype(const LoadOptions& options, const ModelConfig& config,
                           const WeightStore& store) {
  const DType dtype = options.dtype.value_or(
      config.dtype.value_or(store.stored_dtype("model.embed_tokens.weight").value_or(DType::kF32)));
  if (dtype != DType::kF32 && dtype != DType::kBF16 && dtype != DType::kF16) {
    return invalid_argument("dtype {} is not supported, accepted: float32, bfloat16, float16",
                            to_string(dtype));
  }
  return dtype;
}

// Sizes that the kernels bound more tightly than the config reader.
Status check_kernels(const ModelConfig& config, DType kv_dtype) {
  const kernels::KvLayout layout{.num_blocks = 1,
                                 .block_size = 16,
                                 .num_kv_heads = config.num_kv_heads,
                                 .head_dim = config.head_dim,
                                 .dtype = kv_dtype};
  return layout.validate();
}

// Weights, the embedding counted as dense.
double estimated_bytes(const ModelConfig& config, DType dtype, const LoadQuantization& wanted) {
  const double table = static_cast<double>(config.vocab_size) * config.hidden_size;
  const double tables = config.tie_word_embeddings ? table : 2 * table;
  const double linears = static_cast<double>(config.num_parameters()) - tables;
  const LinearScheme* scheme = nullptr;
  if (config.quantization != nullptr && !config.quantization->groups.empty()) {
    scheme = &config.quantization->groups.front().scheme;
  }
  const std::size_t dense = size_of(dtype);
  return tables * static_cast<double>(dense) + linears * bytes_per_weight(wanted, scheme, dense);
}

}  // namespace

Status check_quantization_name(std::string_view name) {
  return LoadQuantization::parse(name).status();
}

Result<std::unique_ptr<CausalLm>> CausalLm::load(const std::filesystem::path& folder,
                                                 const LoadOptions& options,
                                                 kernels::WorkerPool& pool) {
  ASSIGN_OR_RETURN(const kernels::Isa isa, kernels::parse_isa(options.isa));
  ASSIGN_OR_RETURN(ModelConfig config, ModelConfig::load(folder, options.hf_overrides_json));
  ASSIGN_OR_RETURN(const LoadQuantization quantization,
                   LoadQuantization::parse(options.quantization));
  RETURN_IF_ERROR(quantization.check(config.quantization.get()));
  std::unique_ptr<WeightStore> store;
  if (options.format == LoadFormat::kDummy) {
    store = WeightStore::dummy(options.dummy_seed, pool);
  } else {
    ASSIGN_OR_RETURN(store, WeightStore::open(folder, pool));
  }
  ASSIGN_OR_RETURN(const DType dtype, choose_dtype(options, config, *store));
  const DType kv_dtype = options.kv_dtype.value_or(dtype);
  RETURN_IF_ERROR(check_kernels(config, kv_dtype));
  RETURN_IF_ERROR(
      check_fits_memory(fmt::format("the weights of {}", (folder / "config.json").string()),
                        estimated_bytes(config, dtype, quantization)));

  const kernels::Context context{.pool = pool, .isa = isa};
  std::unique_ptr<PackedCache> cache;
  if (options.packed_cache.mode != PackedCacheOptions::Mode::kOff) {
    ASSIGN_OR_RETURN(std::string text, read_file(folder / "config.json"));
    const PackedRecipe recipe{.model_folder = folder,
                              .config = std::move(text) + "\n" + options.hf_overrides_json,
                              .quantization = options.quantization,
                              .dtype = dtype};
    cache = PackedCache::open(options.packed_cache, recipe, *store, context);
  }
  auto model = std::make_unique<DecoderLm>(std::move(config), dtype, kv_dtype, context);
  RETURN_IF_ERROR(
      model->load_weights(std::move(store), quantization, std::move(cache), options.progress));
  return std::unique_ptr<CausalLm>(std::move(model));
}

}  // namespace nacelle::model
