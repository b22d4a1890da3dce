#include "yardstick/attention_share.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/bench/machine_rates.h"
#include "yardstick/attention_batch.h"
#include "yardstick/bars.h"
#include "yardstick/dummy_model.h"

namespace nacelle::yardstick {
namespace {

constexpr std::uint32_t kChunk = 2048;
constexpr double kGiveUp = 1e30;

struct Prefill {
  std::vector<std::unique_ptr<ModelBatch>> chunks;
  double best_s = kGiveUp;
};

Result<Prefill> make_prefill(Lab& lab, int layers, std::uint32_t prompt_tokens) {
  const std::string overrides =
      fmt::format(R"({{"num_hidden_layers": {}, "vocab_size": 1024}})", layers);
  ASSIGN_OR_RETURN(std::shared_ptr<model::CausalLm> model,
                   load_dummy(lab, kQwen3Small, kernels::WeightFormat::kBF16, overrides));
  RETURN_IF_ERROR(
      model->allocate_kv(ModelBatch::blocks_for({0, prompt_tokens}, 1), ModelBatch::kBlock));
  Prefill prefill;
  for (std::uint32_t end = kChunk; end <= prompt_tokens; end += kChunk) {
    prefill.chunks.push_back(std::make_unique<ModelBatch>(model, Span{kChunk, end}, 1));
  }
  return prefill;
}

template <class Work>
void keep_best(const kernels::WorkerPool& pool, double& best_s, Work&& work) {
  const kernels::Stopwatch watch(pool);
  work();
  best_s = std::min(best_s, watch.seconds());
}

}  // namespace

Result<Ratio> attention_share(Lab& lab, std::uint32_t prompt_tokens, std::size_t rounds) {
  ASSIGN_OR_RETURN(Prefill two, make_prefill(lab, 2, prompt_tokens));
  ASSIGN_OR_RETURN(Prefill three, make_prefill(lab, 3, prompt_tokens));
  ASSIGN_OR_RETURN(const model::ModelConfig config,
                   model::ModelConfig::parse(kQwen3Small.config_json));
  const AttentionShape shape{config.num_heads, config.num_kv_heads, config.head_dim};
  ASSIGN_OR_RETURN(const auto attention,
                   AttentionBatch::make(lab.pool, lab.isa, shape, {kChunk, prompt_tokens}, 1));
  double attention_s = kGiveUp;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Prefill* prefill : {&two, &three}) {
      keep_best(lab.pool, prefill->best_s, [&] {
        for (auto& chunk : prefill->chunks) chunk->run();
      });
    }
    keep_best(lab.pool, attention_s, [&] {
      for (std::uint32_t end = kChunk; end <= prompt_tokens; end += kChunk) {
        attention->run({kChunk, end});
      }
    });
  }
  const double layer_s = three.best_s - two.best_s;
  return Ratio{.name = fmt::format("{}: attention's share of prefill, {} tokens", kQwen3Small.name,
                                   prompt_tokens),
               .how = fmt::format("one layer in chunks of {}: attention {:.2f} s of {:.2f} s",
                                  kChunk, attention_s, layer_s),
               .value = layer_s > attention_s ? attention_s / layer_s : 1.0,
               .bar = max_attention_share(lab.isa),
               .at_most = true};
}

}  // namespace nacelle::yardstick
