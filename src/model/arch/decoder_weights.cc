#include "model/arch/decoder_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <set>
#include <utility>

#include "model/arch/linear_reader.h"
#include "tensor/convert.h"

namespace nacelle::model {
namespace {

using kernels::PackedMatrix;
using kernels::Stacking;

class Loader {
 public:
  Loader(const ModelConfig& config, const DecoderSpec& spec, WeightStore& store, DType dtype,
         const LoadQuantization& quantization, PackedCache* cache, const kernels::Context& context,
         const std::function<void(double)>& progress)
      : config_(config),
        spec_(spec),
        store_(store),
        dtype_(dtype),
        cache_(cache),
        context_(context),
        reader_(store, context.pool, dtype, config.quantization.get(), quantization),
        progress_(progress),
        total_(config.num_parameters()) {}

  Result<DecoderWeights> load();

 private:
  Result<DecoderLayer> load_layer(std::size_t index);
  // Small tensors live in f32, after rounding to the model's dtype as the reference does.
  Result<std::vector<float>> vector(const std::string& name, std::size_t count);
  // The scale of e4m3 K or V, under one of the names that checkpoints use; 1 without one.
  Result<float> kv_scale(const std::string& attention, const char* name, const char* other_name);
  Result<Linear> linear(std::initializer_list<LinearPart> parts, std::size_t columns, bool has_bias,
                        Stacking stacking = Stacking::kOneAfterTheOther);
  Result<Linear> head(const TensorView& embedding);
  // The matrix of a linear and its order of inputs: all that comes from the parts' tensors.
  Result<Linear> matrix(std::span<const LinearPart> parts, std::size_t columns, Stacking stacking) {
    ASSIGN_OR_RETURN(std::vector<LinearWeight> weights, reader_.read(parts, columns));
    return pack(weights, stacking);
  }
  // The one place where a matrix is packed. All parts are of one alternative (linear_reader.h).
  Result<Linear> pack(std::span<LinearWeight> parts,
                      Stacking stacking = Stacking::kOneAfterTheOther);
  // From the cache; else what `make` packs, for the cache to keep. The name is that of the stacked
  // tensors: it says what the matrix means.
  template <class Make>
  Result<Linear> cached(std::span<const LinearPart> parts, std::size_t columns, Stacking stacking,
                        Make&& make);
  void advance(std::uint64_t elements);

  const ModelConfig& config_;
  const DecoderSpec& spec_;
  WeightStore& store_;
  DType dtype_;
  PackedCache* cache_;
  const kernels::Context& context_;
  const LinearReader reader_;
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

Result<Linear> Loader::pack(std::span<LinearWeight> parts, Stacking stacking) {
  const kernels::Isa isa = context_.isa;
  Linear out;
  if (std::holds_alternative<Weight>(parts[0])) {
    std::vector<TensorView> views;
    for (LinearWeight& part : parts) views.push_back(std::get<Weight>(part).view());
    ASSIGN_OR_RETURN(out.matrix, PackedMatrix::pack(views, isa, context_.pool, stacking));
  } else if (std::holds_alternative<Int8Linear>(parts[0])) {
    std::vector<kernels::Int8Weight> views;
    for (LinearWeight& part : parts) views.push_back(std::get<Int8Linear>(part).view());
    ASSIGN_OR_RETURN(out.matrix, PackedMatrix::pack(views, dtype_, isa, context_.pool, stacking));
  } else {
    std::vector<kernels::Int4Weight> views;
    for (LinearWeight& part : parts) views.push_back(std::get<Int4Linear>(part).view());
    ASSIGN_OR_RETURN(out.matrix, PackedMatrix::pack(views, dtype_, isa, context_.pool, stacking));
    out.input_order = std::move(std::get<Int4Linear>(parts[0]).order);
  }
  for (LinearWeight& part : parts) {
    if (auto* dense = std::get_if<Weight>(&part)) store_.recycle(std::move(*dense));
  }
  return out;
}

template <class Make>
Result<Linear> Loader::cached(std::span<const LinearPart> parts, std::size_t columns,
                              Stacking stacking, Make&& make) {
  if (cache_ == nullptr) return make();
  std::size_t rows = 0;
  std::string name;
  for (const LinearPart& part : parts) {
    rows += part.rows;
    name += (name.empty() ? "" : "+") + part.name;
  }
  Linear out;
  if (auto found = cache_->find(name, rows, columns, stacking)) {
    out.matrix = *std::move(found);
    return out;
  }
  ASSIGN_OR_RETURN(out, make());
  // An order of inputs would be lost: a packed matrix does not hold it.
  if (out.input_order.empty()) cache_->add(name, out.matrix);
  return out;
}

Result<Linear> Loader::linear(std::initializer_list<LinearPart> parts, std::size_t columns,
                              bool has_bias, Stacking stacking) {
  const std::span<const LinearPart> listed(parts.begin(), parts.size());
  ASSIGN_OR_RETURN(Linear out, cached(listed, columns, stacking,
                                      [&] { return matrix(listed, columns, stacking); }));
  std::uint64_t elements = 0;
  for (const LinearPart& part : parts) {
    elements += part.rows * columns;
    if (!has_bias) continue;
    ASSIGN_OR_RETURN(const std::vector<float> bias, vector(part.name + ".bias", part.rows));
    out.bias.insert(out.bias.end(), bias.begin(), bias.end());
  }
  advance(elements);
  return out;
}

Result<Linear> Loader::head(const TensorView& embedding) {
  const bool tied = config_.tie_word_embeddings;
  const LinearPart part{tied ? "model.embed_tokens" : "lm_head", config_.vocab_size};
  return cached(std::span(&part, 1), config_.hidden_size, Stacking::kOneAfterTheOther,
                [&]() -> Result<Linear> {
                  LinearWeight weight;
                  if (tied) {
                    ASSIGN_OR_RETURN(weight, reader_.head_of(embedding));
                  } else {
                    ASSIGN_OR_RETURN(weight, reader_.read_head(part, config_.hidden_size));
                  }
                  return pack(std::span(&weight, 1));
                });
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
                                         hidden, spec_.mlp_bias, Stacking::kAlternatingPanels));
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
  ASSIGN_OR_RETURN(out.lm_head, head(out.embedding.view()));
  out.embedding.drop_pages();  // from now on only the rows of a batch's tokens are read
  advance(total_);
  return out;
}

std::string format_of(const Linear& linear) {
  const PackedMatrix::Description& about = linear.matrix.description();
  std::string out(kernels::to_string(about.format));
  if (about.format == kernels::WeightFormat::kInt4) out += fmt::format("-g{}", about.group_size);
  return out;
}

std::size_t size_of_linear(const Linear& linear) {
  return linear.matrix.size_bytes() + linear.bias.size() * sizeof(float) +
         linear.input_order.size() * sizeof(std::uint32_t);
}

}  // namespace

Result<DecoderWeights> DecoderWeights::load(const ModelConfig& config, const DecoderSpec& spec,
                                            WeightStore& store, DType dtype,
                                            const LoadQuantization& quantization,
                                            PackedCache* cache, const kernels::Context& context,
                                            const std::function<void(double)>& progress) {
  return Loader(config, spec, store, dtype, quantization, cache, context, progress).load();
}

std::string DecoderWeights::format() const {
  std::set<std::string> formats;
  for (const DecoderLayer& layer : layers) {
    for (const Linear* linear : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
      formats.insert(format_of(*linear));
    }
  }
  const std::string head = format_of(lm_head);
  std::string out = fmt::format("{}", fmt::join(formats, "+"));
  if (out != head) out += ", head " + head;
  return out;
}

std::size_t DecoderWeights::size_bytes() const {
  std::size_t bytes = embedding.view().size_bytes() + size_of_linear(lm_head);
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
