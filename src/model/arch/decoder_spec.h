// decoder_spec.h: the switches of the shared transformer body (arch/decoder.h) for one model.
//
// The families here are one body: RMSNorm, rotary attention with grouped KV heads, SwiGLU. A family
// file turns a ModelConfig into these switches; the body never asks which family it runs.
#pragma once

#include <cstdint>
#include <vector>

namespace nacelle::model {

struct DecoderSpec {
  bool qkv_bias = false;  // biases on q_proj, k_proj, v_proj
  bool o_bias = false;    // bias on o_proj
  bool mlp_bias = false;  // biases on gate_proj, up_proj, down_proj
  bool qk_norm = false;   // RMSNorm of each head of q and k before RoPE, weights [head_dim]
  std::vector<std::uint32_t> windows;  // [num_layers]; keys a token sees, itself included; 0 = all
};

}  // namespace nacelle::model
