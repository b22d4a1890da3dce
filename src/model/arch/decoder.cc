#include "model/arch/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "kernels/embedding/embedding.h"
#include "kernels/gemm/gemm.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"

namespace nacelle::model {

using kernels::gemm;
using kernels::gemm_silu_mul;
using kernels::read_ahead;

namespace {

template <class T>
void gather(const T* from, std::span<const std::uint32_t> order, T* to) {
  for (std::size_t i = 0; i < order.size(); ++i) to[i] = from[order[i]];
}

}  // namespace

Decoder::Decoder(const ModelConfig& config, DecoderSpec spec, DecoderWeights weights, DType dtype,
                 const kernels::Context& context)
    : config_(config),
      spec_(std::move(spec)),
      weights_(std::move(weights)),
      dtype_(dtype),
      context_(context),
      hidden_(config.hidden_size),
      q_width_(std::size_t{config.num_heads} * config.head_dim),
      kv_width_(std::size_t{config.num_kv_heads} * config.head_dim),
      qkv_width_(q_width_ + 2 * kv_width_),
      epsilon_(static_cast<float>(config.rms_norm_eps)),
      rows_(config, dtype) {
  std::vector<std::uint32_t> windows;
  for (const std::uint32_t window : spec_.windows) {
    const auto known = std::find(windows.begin(), windows.end(), window);
    plan_of_layer_.push_back(static_cast<std::uint32_t>(known - windows.begin()));
    if (known == windows.end()) windows.push_back(window);
  }
  plans_.resize(windows.size());
}

kernels::OutputRows Decoder::rounded(std::byte* data, std::size_t width) const {
  return {.data = data, .dtype = dtype_, .row_stride = width};
}

void Decoder::read_batch(const ForwardBatch& batch, const KvCache& kv) {
  sequences_.clear();
  positions_.clear();
  context_tokens_ = 0;
  for (const SequenceChunk& chunk : batch.chunks) {
    const std::size_t context = std::size_t{chunk.first_position} + chunk.num_tokens;
    CHECK(chunk.num_tokens > 0 && chunk.first_row == positions_.size());
    CHECK(context <= chunk.block_table.size() * kv.layout().block_size);
    sequences_.push_back({.first_row = chunk.first_row,
                          .num_queries = chunk.num_tokens,
                          .context_len = static_cast<std::uint32_t>(context),
                          .block_table = chunk.block_table});
    for (std::uint32_t i = 0; i < chunk.num_tokens; ++i) {
      positions_.push_back(chunk.first_position + i);
    }
    context_tokens_ = std::max(context_tokens_, context);
  }
  CHECK(positions_.size() == batch.tokens.size());
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const auto layer = std::find(plan_of_layer_.begin(), plan_of_layer_.end(), i);
    const std::uint32_t window =
        spec_.windows[static_cast<std::size_t>(layer - plan_of_layer_.begin())];
    plans_[i].make(kv.layout(), sequences_, config_.num_heads, window, context_.pool.num_threads());
  }
  for (std::size_t i = 0; i < batch.logit_rows.size(); ++i) {
    CHECK(batch.logit_rows[i] < positions_.size());
    CHECK(i == 0 || batch.logit_rows[i] > batch.logit_rows[i - 1]);
  }
}

void Decoder::project_qkv(const DecoderLayer& layer, std::size_t rows,
                          const kernels::RopeTable& table) {
  float* const qkv = rows_.qkv();
  read_ahead(context_.pool, layer.o.matrix, rows);
  gemm(context_.pool, in_order_of(layer.qkv, rows_.normed(), hidden_, rows), hidden_, rows,
       layer.qkv.matrix, layer.qkv.bias_data(), qkv, qkv_width_);
  const kernels::HeadRows q{.data = qkv,
                            .num_rows = rows,
                            .num_heads = config_.num_heads,
                            .head_dim = config_.head_dim,
                            .row_stride = qkv_width_};
  kernels::HeadRows k = q;
  k.data = qkv + q_width_;
  k.num_heads = config_.num_kv_heads;
  if (spec_.qk_norm) {
    rms_norm_heads(context_, q, layer.q_norm.data(), epsilon_);
    rms_norm_heads(context_, k, layer.k_norm.data(), epsilon_);
  }
  rope(context_, q, positions_, table);
  rope(context_, k, positions_, table);
}

void Decoder::attend(std::size_t layer, KvCache& kv) {
  const kernels::AttentionOptions options{
      .scale = 1.0F / std::sqrt(static_cast<float>(config_.head_dim)),
      .sliding_window = spec_.windows[layer],
      .kv_scales = weights_.layers[layer].kv_scales};
  paged_attention(context_, kv.layout(), kv.layer(layer), plans_[plan_of_layer_[layer]],
                  rows_.qkv(), qkv_width_, options, rounded(rows_.attention(), q_width_));
}

void Decoder::keep_rows(std::span<const std::uint32_t> wanted) {
  float* const residual = rows_.residual();
  std::byte* const attention = rows_.attention();
  const std::size_t attention_bytes = q_width_ * size_of(dtype_);
  // Ascending, so a row moves to its own place or towards the front: nothing is overwritten early.
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == i) continue;
    std::memcpy(residual + i * hidden_, residual + wanted[i] * hidden_, hidden_ * sizeof(float));
    std::memcpy(attention + i * attention_bytes, attention + wanted[i] * attention_bytes,
                attention_bytes);
  }
}

void Decoder::feed_forward(const DecoderLayer& layer, std::size_t rows,
                           const kernels::PackedMatrix& next) {
  const std::size_t inner = config_.intermediate_size;
  std::byte* const activated = rows_.inner();
  read_ahead(context_.pool, layer.down.matrix, rows);
  gemm_silu_mul(context_.pool, in_order_of(layer.gate_up, rows_.normed(), hidden_, rows), hidden_,
                rows, layer.gate_up.matrix, layer.gate_up.bias_data(), rounded(activated, inner));
  read_ahead(context_.pool, next, rows);
  gemm(context_.pool, in_order_of(layer.down, activated, inner, rows), inner, rows,
       layer.down.matrix, layer.down.bias_data(), rows_.delta(), hidden_);
}

const std::byte* Decoder::in_order_of(const Linear& linear, const std::byte* x, std::size_t width,
                                      std::size_t rows) {
  const std::vector<std::uint32_t>& order = linear.input_order;
  if (order.empty()) return x;
  const std::size_t row_bytes = width * size_of(dtype_);
  std::byte* const out = ordered_.bytes(rows * row_bytes);
  constexpr std::size_t kRowGrain = 16;
  context_.pool.run_ranges(rows, kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::byte* const from = x + row * row_bytes;
      std::byte* const to = out + row * row_bytes;
      if (size_of(dtype_) == 4) {
        gather(reinterpret_cast<const std::uint32_t*>(from), order,
               reinterpret_cast<std::uint32_t*>(to));
      } else {
        gather(reinterpret_cast<const std::uint16_t*>(from), order,
               reinterpret_cast<std::uint16_t*>(to));
      }
    }
  });
  return out;
}

void Decoder::forward(const ForwardBatch& batch, KvCache& kv, RotaryTable& rotary,
                      std::span<float> logits) {
  std::size_t rows = batch.tokens.size();
  CHECK(!kv.empty());
  CHECK(logits.size() == batch.logit_rows.size() * config_.vocab_size);
  if (rows == 0) return;
  read_batch(batch, kv);
  const kernels::RopeTable table = rotary.up_to(context_tokens_, context_.pool);

  rows_.prepare(rows);
  float* const residual = rows_.residual();
  float* const delta = rows_.delta();
  const kernels::OutputRows normed = rounded(rows_.normed(), hidden_);
  gather_embeddings(context_, weights_.embedding.view(), batch.tokens, residual);

  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    const DecoderLayer& layer = weights_.layers[i];
    if (i == 0) {
      rms_norm(context_, residual, rows, hidden_, layer.input_norm.data(), epsilon_, normed);
    } else {
      add_rms_norm(context_, residual, delta, rows, hidden_, layer.input_norm.data(), epsilon_,
                   normed);
    }
    project_qkv(layer, rows, table);
    const float* const k = rows_.qkv() + q_width_;
    store_kv(context_, kv.layout(), kv.layer(i), sequences_, k, qkv_width_, k + kv_width_,
             qkv_width_, layer.kv_scales);
    const bool is_last = i + 1 == weights_.layers.size();
    if (is_last && batch.logit_rows.empty()) return;  // K and V are all that later tokens need
    attend(i, kv);
    if (is_last) {
      keep_rows(batch.logit_rows);
      rows = batch.logit_rows.size();
    }
    read_ahead(context_.pool, layer.gate_up.matrix, rows);
    gemm(context_.pool, in_order_of(layer.o, rows_.attention(), q_width_, rows), q_width_, rows,
         layer.o.matrix, layer.o.bias_data(), delta, hidden_);
    add_rms_norm(context_, residual, delta, rows, hidden_, layer.post_attention_norm.data(),
                 epsilon_, normed);
    feed_forward(layer, rows,
                 is_last ? weights_.lm_head.matrix : weights_.layers[i + 1].qkv.matrix);
  }
  add_rms_norm(context_, residual, delta, rows, hidden_, weights_.final_norm.data(), epsilon_,
               normed);
  gemm(context_.pool, in_order_of(weights_.lm_head, rows_.normed(), hidden_, rows), hidden_, rows,
       weights_.lm_head.matrix, nullptr, logits.data(), config_.vocab_size);
}

}  // namespace nacelle::model
