#include "model/arch/decoder_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>

#include "tensor/convert.h"

namespace nacelle::model {
namespace {

// One row block of a stacked matrix: the name without ".weight" or ".bias", and its rows.
struct Part {
  std::string name;
  std::size_t rows = 0;
};

class Loader {
 public:
  Loader(const ModelConfig& config, const DecoderSpec& spec, WeightStore& store, DType dtype,
         const kernels::Context& context, const std::function<void(double)>& progress)
      : config_(config),
        spec_(spec),
        store_(store),
        dtype_(dtype),
        context_(context),
        progress_(progress),
        total_(config.num_parameters()) {}

  Result<DecoderWeights> load();

 private:
  Result<DecoderLayer> load_layer(std::size_t index);
  // Small tensors live in f32, after rounding to the model's dtype as the reference does.
  Result<std::vector<float>> vector(const std::string& name, std::size_t count);
  // The scale of e4m3 K or V, under one of the names that checkpoints use; 1 without one.
  Result<float> kv_scale(const std::string& attention, const char* name, const char* other_name);
  Result<Linear> linear(std::initializer_list<Part> parts, std::size_t columns, bool has_bias);
  Result<kernels::PackedMatrix> pack(const TensorView& matrix) {
    return kernels::PackedMatrix::pack(std::span(&matrix, 1), context_.isa, context_.pool);
  }
  void advance(std::uint64_t elements);

  const ModelConfig& config_;
  const DecoderSpec& spec_;
  WeightStore& store_;
  DType dtype_;
  const kernels::Context& context_;
  const std::function<void(double)>& progress_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

void Loader::advance(std::uint64_t elements) {
  done_ = std::min(done_ + elements, total_);
  if (progress_) progress_(static_cast<double>(done_) / static_cast<double>(total_));
}

Result<std::vector<float>> Loader::vector(const std::string& name, std::size_t count) {
  ASSIGN_OR_RETURN(const Weight weight, store_.fetch(name, Shape{count}, dtype_));
  std::vector<float> out(count);
  RETURN_IF_ERROR(convert(dtype_, weight.view().data(), DType::kF32, out.data(), count));
  return out;
}

Result<float> Loader::kv_scale(const std::string& attention, const char* name,
                               const char* other_name) {
  for (const char* suffix : {name, other_name}) {
    const std::string tensor = attention + suffix;
    if (!store_.stored_dtype(tensor).has_value()) continue;
    Result<Weight> weight = store_.fetch(tensor, Shape{1}, DType::kF32);
    if (!weight.ok()) weight = store_.fetch(tensor, Shape{}, DType::kF32);
    if (!weight.ok()) return weight.error();
    float scale = 0.0F;
    std::memcpy(&scale, weight->view().data(), sizeof(scale));
    if (!(scale > 0.0F) || !std::isfinite(scale)) {
      return invalid_argument("{} must be a positive number, got {}", tensor, scale);
    }
    return scale;
  }
  return 1.0F;
}

Result<Linear> Loader::linear(std::initializer_list<Part> parts, std::size_t columns,
                              bool has_bias) {
  Linear out;
  std::vector<Weight> weights;
  std::vector<TensorView> views;
  std::uint64_t elements = 0;
  for (const Part& part : parts) {
    const Shape shape{part.rows, columns};
    ASSIGN_OR_RETURN(Weight weight, store_.fetch(part.name + ".weight", shape, dtype_));
    views.push_back(weight.view());
    weights.push_back(std::move(weight));
    elements += shape.num_elements();
    if (!has_bias) continue;
    ASSIGN_OR_RETURN(const std::vector<float> bias, vector(part.name + ".bias", part.rows));
    out.bias.insert(out.bias.end(), bias.begin(), bias.end());
  }
  ASSIGN_OR_RETURN(out.matrix, kernels::PackedMatrix::pack(views, context_.isa, context_.pool));
  for (Weight& weight : weights) store_.recycle(std::move(weight));
  advance(elements);
  return out;
}

Result<DecoderLayer> Loader::load_layer(std::size_t index) {
  const std::string prefix = fmt::format("model.layers.{}.", index);
  const std::string attention = prefix + "self_attn.";
  const std::string mlp = prefix + "mlp.";
  const std::size_t hidden = config_.hidden_size;
  const std::size_t head_dim = config_.head_dim;
  const std::size_t q_rows = config_.num_heads * head_dim;
  const std::size_t kv_rows = config_.num_kv_heads * head_dim;
  const std::size_t inner = config_.intermediate_size;

  DecoderLayer layer;
  ASSIGN_OR_RETURN(layer.input_norm, vector(prefix + "input_layernorm.weight", hidden));
  ASSIGN_OR_RETURN(layer.qkv, linear({{attention + "q_proj", q_rows},
                                      {attention + "k_proj", kv_rows},
                                      {attention + "v_proj", kv_rows}},
                                     hidden, spec_.qkv_bias));
  if (spec_.qk_norm) {
    ASSIGN_OR_RETURN(layer.q_norm, vector(attention + "q_norm.weight", head_dim));
    ASSIGN_OR_RETURN(layer.k_norm, vector(attention + "k_norm.weight", head_dim));
  }
  ASSIGN_OR_RETURN(layer.kv_scales.k, kv_scale(attention, "k_scale", "k_proj.output_scale"));
  ASSIGN_OR_RETURN(layer.kv_scales.v, kv_scale(attention, "v_scale", "v_proj.output_scale"));
  ASSIGN_OR_RETURN(layer.o, linear({{attention + "o_proj", hidden}}, q_rows, spec_.o_bias));
  ASSIGN_OR_RETURN(layer.post_attention_norm,
                   vector(prefix + "post_attention_layernorm.weight", hidden));
  ASSIGN_OR_RETURN(layer.gate_up, linear({{mlp + "gate_proj", inner}, {mlp + "up_proj", inner}},
                                         hidden, spec_.mlp_bias));
  ASSIGN_OR_RETURN(layer.down, linear({{mlp + "down_proj", hidden}}, inner, spec_.mlp_bias));
  return layer;
}

Result<DecoderWeights> Loader::load() {
  DecoderWeights out;
  const Shape table{config_.vocab_size, config_.hidden_size};
  for (std::size_t layer = 0; layer < config_.num_layers; ++layer) {
    ASSIGN_OR_RETURN(DecoderLayer loaded, load_layer(layer));
    out.layers.push_back(std::move(loaded));
  }
  ASSIGN_OR_RETURN(out.final_norm, vector("model.norm.weight", config_.hidden_size));
  ASSIGN_OR_RETURN(out.embedding, store_.fetch("model.embed_tokens.weight", table, dtype_));
  if (config_.tie_word_embeddings) {
    ASSIGN_OR_RETURN(out.lm_head, pack(out.embedding.view()));
    out.embedding.drop_pages();  // from now on only the rows of a batch's tokens are read
  } else {
    ASSIGN_OR_RETURN(Weight head, store_.fetch("lm_head.weight", table, dtype_));
    ASSIGN_OR_RETURN(out.lm_head, pack(head.view()));
    store_.recycle(std::move(head));
  }
  advance(total_);
  return out;
}

std::size_t size_of_linear(const Linear& linear) {
  return linear.matrix.size_bytes() + linear.bias.size() * sizeof(float);
}

}  // namespace

Result<DecoderWeights> DecoderWeights::load(const ModelConfig& config, const DecoderSpec& spec,
                                            WeightStore& store, DType dtype,
                                            const kernels::Context& context,
                                            const std::function<void(double)>& progress) {
  return Loader(config, spec, store, dtype, context, progress).load();
}

std::size_t DecoderWeights::size_bytes() const {
  std::size_t bytes = embedding.view().size_bytes() + lm_head.size_bytes();
  std::size_t floats = final_norm.size();
  for (const DecoderLayer& layer : layers) {
    floats += layer.input_norm.size() + layer.post_attention_norm.size() + layer.q_norm.size() +
              layer.k_norm.size();
    bytes += size_of_linear(layer.qkv) + size_of_linear(layer.o) + size_of_linear(layer.gate_up) +
             size_of_linear(layer.down);
  }
  return bytes + floats * sizeof(float);
}

}  // namespace nacelle::model
