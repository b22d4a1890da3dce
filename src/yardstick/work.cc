#include "yardstick/work.h"

namespace nacelle::yardstick {
namespace {

constexpr double kBF16 = 2;
constexpr double kF32 = 4;

double d(std::size_t value) { return static_cast<double>(value); }

// Loading as int4 makes the head int8: model/quantization/load_quantization.h.
kernels::WeightFormat head_format(kernels::WeightFormat format) {
  using kernels::WeightFormat;
  return format == WeightFormat::kInt4 ? WeightFormat::kInt8 : format;
}

// Keys seen by the new tokens of a sequence, all together.
double keys_seen(const Span& span) {
  const double queries = d(span.queries);
  const double first = d(span.context) - queries;  // position of the first new token
  return queries * first + queries * (queries + 1) / 2;
}

}  // namespace

double weight_bytes(kernels::WeightFormat format, std::size_t n, std::size_t k) {
  const double count = d(n) * d(k);
  switch (format) {
    case kernels::WeightFormat::kF32:
      return 4 * count;
    case kernels::WeightFormat::kBF16:
    case kernels::WeightFormat::kF16:
      return 2 * count;
    case kernels::WeightFormat::kInt8:
      return count + kF32 * d(n);
    case kernels::WeightFormat::kInt4:
      return count / 2 + kF32 * count / d(kInt4Group);
  }
  return 0;
}

Work gemm_work(kernels::WeightFormat format, std::size_t m, std::size_t k, std::size_t n) {
  return {2 * d(m) * d(k) * d(n),
          weight_bytes(format, n, k) + kBF16 * d(m) * d(k) + kF32 * d(m) * d(n)};
}

Work gemm_silu_mul_work(kernels::WeightFormat format, std::size_t m, std::size_t k, std::size_t n) {
  return {2 * d(m) * d(k) * d(n),
          weight_bytes(format, n, k) + kBF16 * d(m) * d(k) + kBF16 * d(m) * d(n) / 2};
}

double kv_bytes(const AttentionShape& shape, DType dtype) {
  const double head = d(shape.head_dim) * d(size_of(dtype)) + (dtype == DType::kI8 ? kF32 : 0);
  return 2 * d(shape.kv_heads) * head;
}

Work attention_work(const AttentionShape& shape, std::span<const Span> sequences, const KvUse& kv) {
  const double width = d(shape.heads) * d(shape.head_dim);
  const double position = kv_bytes(shape, kv.dtype);
  Work work{0, position * d(kv.shared)};
  for (const Span& span : sequences) {
    work.operations += 4 * width * keys_seen(span);
    work.bytes += position * d(span.context - kv.shared) + (kF32 + kBF16) * d(span.queries) * width;
  }
  return work;
}

Work row_work(std::size_t values, const Work& each) {
  return {d(values) * each.operations, d(values) * each.bytes};
}

Work model_work(const model::ModelConfig& config, kernels::WeightFormat format,
                std::span<const Span> sequences) {
  const std::size_t hidden = config.hidden_size;
  const std::size_t q = std::size_t{config.num_heads} * config.head_dim;
  const std::size_t kv = std::size_t{config.num_kv_heads} * config.head_dim;
  const std::size_t inner = config.intermediate_size;
  const double layers = d(config.num_layers);
  const double qkv_weights = d(hidden) * d(q + 2 * kv);
  const double other_weights = d(q) * d(hidden) + 3 * d(hidden) * d(inner);

  double rows = 0;
  double layer_keys = 0;  // keys seen in each layer but the last
  double last_keys = 0;   // and in the last one
  double kv_tokens = 0;   // tokens whose K and V are read or written in a layer
  for (const Span& span : sequences) {
    rows += d(span.queries);
    layer_keys += keys_seen(span);
    last_keys += d(span.context);
    kv_tokens += d(span.context);
  }
  const double wanted = d(sequences.size());
  Work work;
  work.operations = 2 * rows * (layers * qkv_weights + (layers - 1) * other_weights) +
                    2 * wanted * (other_weights + d(hidden) * d(config.vocab_size)) +
                    4 * d(q) * ((layers - 1) * layer_keys + last_keys);
  work.bytes =
      layers * (weight_bytes(format, q + 2 * kv, hidden) + weight_bytes(format, hidden, q) +
                weight_bytes(format, 2 * inner, hidden) + weight_bytes(format, hidden, inner)) +
      weight_bytes(head_format(format), config.vocab_size, hidden) + kBF16 * rows * d(hidden) +
      layers * 2 * kBF16 * kv_tokens * d(kv);
  return work;
}

}  // namespace nacelle::yardstick
