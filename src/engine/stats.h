// stats.h: the engine's gauges and counters, from which the server fills the vllm:* families.
//
// Source: engine.md section 21. Published once per step; readers get copies.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace nacelle::engine {

// Cumulative histogram with fixed upper bounds; counts[i] is of values <= bounds[i], the last is
// +Inf.
struct Histogram {
  std::span<const double> bounds;     // static storage
  std::vector<std::uint64_t> counts;  // bounds.size() + 1, not cumulative
  double sum = 0;

  void observe(double value);
};

// Bucket bounds, as vLLM has them.
[[nodiscard]] std::span<const double> iteration_token_bounds();
[[nodiscard]] std::span<const double> first_token_latency_bounds();
[[nodiscard]] std::span<const double> token_latency_bounds();
[[nodiscard]] std::span<const double> request_latency_bounds();
// 1 2 5 10 20 50 ... up to max_model_len.
[[nodiscard]] std::span<const double> token_count_bounds(std::uint32_t max_model_len);

struct Stats {
  // Gauges as of the last step.
  std::uint32_t num_running = 0;
  std::uint32_t num_waiting = 0;
  std::uint32_t num_blocks = 0;  // of KV cache, the null block included
  double kv_cache_usage = 0;     // 0..1; cached but free blocks count as free

  // Counters since the start.
  std::uint64_t prefix_cache_queries = 0;  // tokens
  std::uint64_t prefix_cache_hits = 0;     // tokens
  std::uint64_t num_preemptions = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t prompt_tokens_cached = 0;
  std::uint64_t generation_tokens = 0;
  std::uint64_t finished_stop = 0, finished_length = 0, finished_abort = 0, finished_error = 0;
  std::uint64_t num_steps = 0;
  // Speculation. Vectors are empty when it is off.
  std::uint64_t num_drafts = 0;           // times that a sequence had drafts in a step
  std::uint64_t num_draft_tokens = 0;     // verified
  std::uint64_t num_accepted_tokens = 0;  // of them
  std::vector<std::uint64_t> num_accepted_per_position;  // [num_speculative_tokens]
  std::uint64_t corrupted_requests = 0;  // ended because the model's logits were not numbers

  Histogram iteration_tokens;
  Histogram request_prompt_tokens, request_generation_tokens;
  Histogram request_max_num_generation_tokens, request_params_max_tokens;
  Histogram request_prefill_kv_computed_tokens;
  Histogram time_to_first_token, inter_token_latency, time_per_output_token;
  Histogram e2e_latency, queue_time, inference_time, prefill_time, decode_time;
};

// All zero, the histograms with their bounds.
[[nodiscard]] Stats make_stats(std::uint32_t max_model_len,
                               std::uint32_t num_speculative_tokens = 0);

}  // namespace nacelle::engine
