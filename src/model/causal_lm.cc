#include "model/causal_lm.h"

#include <utility>

#include "kernels/context.h"
#include "model/arch/decoder.h"
#include "model/arch/family.h"
#include "model/machine_memory.h"
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

  Status load_weights(std::unique_ptr<WeightStore> store,
                      const std::function<void(double)>& progress) {
    store_ = std::move(store);
    DecoderSpec spec = find_family(config_.architecture)->spec(config_);
    ASSIGN_OR_RETURN(DecoderWeights weights,
                     DecoderWeights::load(config_, spec, *store_, dtype_, context_, progress));
    decoder_ =
        std::make_unique<Decoder>(config_, std::move(spec), std::move(weights), dtype_, context_);
    return {};
  }

  const ModelConfig& config() const override { return config_; }
  DType dtype() const override { return dtype_; }
  std::size_t weight_bytes() const override { return decoder_->weights().size_bytes(); }

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

}  // namespace

Result<std::unique_ptr<CausalLm>> CausalLm::load(const std::filesystem::path& folder,
                                                 const LoadOptions& options,
                                                 kernels::WorkerPool& pool) {
  ASSIGN_OR_RETURN(const kernels::Isa isa, kernels::parse_isa(options.isa));
  ASSIGN_OR_RETURN(ModelConfig config, ModelConfig::load(folder, options.hf_overrides_json));
  std::unique_ptr<WeightStore> store;
  if (options.format == LoadFormat::kDummy) {
    store = WeightStore::dummy(options.dummy_seed, pool);
  } else {
    ASSIGN_OR_RETURN(store, WeightStore::open(folder, pool));
  }
  ASSIGN_OR_RETURN(const DType dtype, choose_dtype(options, config, *store));
  const DType kv_dtype = options.kv_dtype.value_or(dtype);
  RETURN_IF_ERROR(check_kernels(config, kv_dtype));
  const double weight_bytes =
      static_cast<double>(config.num_parameters()) * static_cast<double>(size_of(dtype));
  RETURN_IF_ERROR(check_fits_memory(
      fmt::format("the weights of {}", (folder / "config.json").string()), weight_bytes));

  auto model = std::make_unique<DecoderLm>(std::move(config), dtype, kv_dtype,
                                           kernels::Context{.pool = pool, .isa = isa});
  RETURN_IF_ERROR(model->load_weights(std::move(store), options.progress));
  return std::unique_ptr<CausalLm>(std::move(model));
}

}  // namespace nacelle::model
