#include "engine/stats.h"

#include <algorithm>

namespace nacelle::engine {
namespace {

constexpr double kIterationTokens[] = {1,   8,    16,   32,   64,   128,  256,
                                       512, 1024, 2048, 4096, 8192, 16384};
constexpr double kFirstTokenSeconds[] = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                         1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
constexpr double kTokenSeconds[] = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                    .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
constexpr double kRequestSeconds[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                      30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
constexpr double kTokenCounts[] = {1,   2,   5,   1e1, 2e1, 5e1, 1e2, 2e2, 5e2, 1e3,
                                   2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6,
                                   5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9};

Histogram empty(std::span<const double> bounds) {
  return {bounds, std::vector<std::uint64_t>(bounds.size() + 1, 0), 0};
}

}  // namespace

void Histogram::observe(double value) {
  if (counts.empty()) counts.resize(bounds.size() + 1, 0);
  ++counts[static_cast<std::size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin())];
  sum += value;
}

std::span<const double> iteration_token_bounds() { return kIterationTokens; }
std::span<const double> first_token_latency_bounds() { return kFirstTokenSeconds; }
std::span<const double> token_latency_bounds() { return kTokenSeconds; }
std::span<const double> request_latency_bounds() { return kRequestSeconds; }

std::span<const double> token_count_bounds(std::uint32_t max_model_len) {
  const auto end = std::ranges::upper_bound(kTokenCounts, static_cast<double>(max_model_len));
  return {std::begin(kTokenCounts), end};
}

Stats make_stats(std::uint32_t max_model_len, std::uint32_t num_speculative_tokens) {
  Stats stats;
  stats.num_accepted_per_position.resize(num_speculative_tokens);
  stats.iteration_tokens = empty(iteration_token_bounds());
  for (Histogram* histogram :
       {&stats.request_prompt_tokens, &stats.request_generation_tokens,
        &stats.request_max_num_generation_tokens, &stats.request_params_max_tokens,
        &stats.request_prefill_kv_computed_tokens}) {
    *histogram = empty(token_count_bounds(max_model_len));
  }
  stats.time_to_first_token = empty(first_token_latency_bounds());
  stats.inter_token_latency = empty(token_latency_bounds());
  stats.time_per_output_token = empty(token_latency_bounds());
  for (Histogram* histogram : {&stats.e2e_latency, &stats.queue_time, &stats.inference_time,
                               &stats.prefill_time, &stats.decode_time}) {
    *histogram = empty(request_latency_bounds());
  }
  return stats;
}

}  // namespace nacelle::engine
