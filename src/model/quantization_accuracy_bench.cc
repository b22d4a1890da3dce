// What `--quantization` and `--kv-cache-dtype` cost in accuracy, against the same model in bf16.
//
//   model_bench --benchmark_filter=Accuracy
//
// Demo: the demo model on the held-out conversations, 7000 positions of real text. Random: a
// made-up model of Qwen3's shape per layer on random tokens; its next token is undecided, which is
// the hardest case for top1. Counters: kl_mean and kl_p99 of KL(bf16 || format) in nats per token,
// top1_percent where both choose the same token, nll of the text, and the size. The line f32 is the
// yardstick: how far bf16's own rounding moves the same numbers.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "kernels/softmax/softmax.h"
#include "kernels/worker_pool.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

constexpr const char* kRandomModel = R"({
  "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072,
  "num_hidden_layers": 6, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
  "vocab_size": 16384, "max_position_embeddings": 4096, "rope_theta": 1000000,
  "tie_word_embeddings": false, "dtype": "bfloat16"})";
constexpr std::uint32_t kMaxTokens = 512;  // of one text

using Texts = std::vector<std::vector<TokenId>>;

Texts demo_texts() {
  std::ifstream file(NACELLE_TESTDATA "/demo_model/held_out_tokens.txt");
  Texts texts;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<TokenId>& text = texts.emplace_back();
    for (TokenId token = 0; words >> token;) text.push_back(token);
  }
  return texts;
}

Texts random_texts() {
  std::mt19937 random(1);
  Texts texts(2);
  for (auto& text : texts) {
    for (int i = 0; i < 192; ++i) text.push_back(static_cast<TokenId>(random() % 16384));
  }
  return texts;
}

// Where the answer of a text begins: after the last <|im_start|>assistant and its line end.
std::size_t answer_of(const std::vector<TokenId>& text) {
  constexpr TokenId kStart = 2044, kAssistant = 265;
  for (std::size_t i = text.size(); i >= 3; --i) {
    if (text[i - 3] == kStart && text[i - 2] == kAssistant) return i;
  }
  return 1;
}

enum class Model { kDemo, kRandom };

struct Run {
  std::vector<float> log_probabilities;  // [positions of all texts, vocab]
  std::vector<bool> is_answer;           // [positions]: the next token belongs to an answer
  double nll = 0.0;                      // mean, of the tokens of answers
  std::size_t weight_bytes = 0, vocab = 0;
};

Run run(Model which, const LoadOptions& wanted, const Texts& texts) {
  static kernels::WorkerPool pool(kernels::threads_for_this_process());
  const testing::TemporaryFolder folder;
  folder.write("config.json", kRandomModel);
  LoadOptions options = wanted;
  if (which == Model::kRandom) options.format = LoadFormat::kDummy;
  auto model = CausalLm::load(which == Model::kRandom
                                  ? folder.path()
                                  : std::filesystem::path(NACELLE_SOURCE_DIR "/models/demo"),
                              options, pool);
  CHECK(model.ok());
  Run out;
  out.weight_bytes = (*model)->weight_bytes();
  out.vocab = (*model)->config().vocab_size;
  testing::SequenceRunner runner(**model, 16, static_cast<std::uint32_t>(texts.size()), kMaxTokens);
  std::size_t predicted = 0;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const std::vector<TokenId>& text = texts[t];
    const std::size_t answer = answer_of(text);
    std::vector<float> logits = runner.run(static_cast<std::uint32_t>(t), text, text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::span<float> row(logits.data() + i * out.vocab, out.vocab);
      const float total = kernels::row_stats(kernels::best_isa(), row).log_sum_exp;
      for (float& value : row) value -= total;
      out.is_answer.push_back(i + 1 >= answer && i + 1 < text.size());
      if (!out.is_answer.back()) continue;
      out.nll -= row[static_cast<std::size_t>(text[i + 1])];
      ++predicted;
    }
    out.log_probabilities.insert(out.log_probabilities.end(), logits.begin(), logits.end());
  }
  out.nll /= static_cast<double>(predicted);
  return out;
}

void BM_Accuracy(benchmark::State& state, Model which, const char* format) {
  const Texts texts = which == Model::kDemo ? demo_texts() : random_texts();
  LoadOptions options;
  options.dtype = DType::kBF16;
  const Run exact = run(which, options, texts);
  if (std::string_view(format) == "f32") {
    options.dtype = DType::kF32;
  } else if (std::string_view(format) == "kv-fp8") {
    options.kv_dtype = DType::kF8E4M3;
  } else if (std::string_view(format) == "kv-int8") {
    options.kv_dtype = DType::kI8;
  } else {
    options.quantization = format;
  }
  Run tried;
  for (auto _ : state) tried = run(which, options, texts);
  std::vector<double> divergences;
  double same = 0.0, answers = 0.0, same_answers = 0.0, sum_answers = 0.0;
  for (std::size_t at = 0; at < exact.log_probabilities.size(); at += exact.vocab) {
    const std::span p(exact.log_probabilities.data() + at, exact.vocab);
    const std::span q(tried.log_probabilities.data() + at, exact.vocab);
    double divergence = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) divergence += std::exp(double{p[i]}) * (p[i] - q[i]);
    divergences.push_back(divergence);
    const bool agree =
        kernels::argmax(kernels::best_isa(), p) == kernels::argmax(kernels::best_isa(), q);
    same += agree;
    if (!exact.is_answer[at / exact.vocab]) continue;
    answers += 1.0;
    same_answers += agree;
    sum_answers += divergence;
  }
  std::sort(divergences.begin(), divergences.end());
  const auto count = static_cast<double>(divergences.size());
  double sum = 0.0;
  for (const double divergence : divergences) sum += divergence;
  state.counters["kl_mean"] = sum / count;
  state.counters["kl_p99"] = divergences[static_cast<std::size_t>(count * 0.99)];
  state.counters["top1_percent"] = 100.0 * same / count;
  state.counters["answers_kl"] = sum_answers / answers;
  state.counters["answers_top1"] = 100.0 * same_answers / answers;
  state.counters["nll"] = tried.nll;
  state.counters["nll_bf16"] = exact.nll;
  state.counters["MB"] = static_cast<double>(tried.weight_bytes) / 1e6;
  state.counters["MB_bf16"] = static_cast<double>(exact.weight_bytes) / 1e6;
}

const bool kRegistered = [] {
  for (const Model model : {Model::kDemo, Model::kRandom}) {
    for (const char* format : {"f32", "int8-head16", "int8", "int4-g32-head16", "int4-g32",
                               "int4-g64", "int4-head16", "int4", "kv-fp8", "kv-int8"}) {
      const std::string name =
          fmt::format("BM_Accuracy/{}/{}", model == Model::kDemo ? "Demo" : "Random", format);
      benchmark::RegisterBenchmark(name.c_str(), BM_Accuracy, model, format)
          ->Iterations(1)
          ->Unit(benchmark::kSecond);
    }
  }
  return true;
}();

}  // namespace
}  // namespace nacelle::model
