// Predicting TTFT and TPOT of 100 and 1,000 endpoints, and learning from one request. The limit is
// the arithmetic alone: two dot products over rows that are ready.
#include <chrono>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "router/latency/core/feature_rows.h"
#include "router/latency/core/testing/engine_simulator.h"
#include "router/latency/latency_predictor.h"

namespace nacelle::router::latency {
namespace {

struct Trained {
  Trained() {
    kind = predictor.kind_of("decode", "vllm");
    PoolSimulator pool(1);
    pool.play(2000, [this](const EngineSimulator::Done& done) {
      predictor.learn(kind, Target::kTtft, done.features, done.ttft_seconds);
      if (done.tpot_seconds > 0) {
        predictor.learn(kind, Target::kTpot, done.features, done.tpot_seconds);
      }
      seen.push_back(done);
    });
  }

  LatencyPredictor predictor{LatencyPredictorConfig{}};
  KindId kind;
  std::vector<EngineSimulator::Done> seen;
};

double seconds_of_arithmetic(const std::vector<LatencyPredictor::Query>& queries) {
  std::vector<Row> rows;
  for (const auto& query : queries) {
    rows.push_back(ttft_row(query.features));
    rows.push_back(tpot_row(query.features));
  }
  NonNegativeRegression regression;
  regression.add(rows.front(), 1, 1, 1);
  regression.improve(0.01, 1);
  constexpr int kRounds = 200;
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < kRounds; ++round) {
    double sum = 0;
    for (const Row& row : rows) sum += regression.predict(row);
    benchmark::DoNotOptimize(sum);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kRounds;
}

void BM_Predict(benchmark::State& state) {
  Trained trained;
  std::vector<LatencyPredictor::Query> queries;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    queries.push_back({trained.kind, trained.seen[static_cast<std::size_t>(i) % 2000].features});
  }
  std::vector<LatencyPrediction> out(queries.size());
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    trained.predictor.predict(queries, out);
    benchmark::DoNotOptimize(out.data());
  }
  const double each =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
      static_cast<double>(state.iterations());
  state.counters["us"] = each * 1e6;
  state.counters["of_arithmetic"] = seconds_of_arithmetic(queries) / each;
}
BENCHMARK(BM_Predict)->ArgName("endpoints")->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void BM_Learn(benchmark::State& state) {
  Trained trained;
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& done = trained.seen[next++ % trained.seen.size()];
    trained.predictor.learn(trained.kind, Target::kTtft, done.features, done.ttft_seconds);
  }
}
BENCHMARK(BM_Learn);

}  // namespace
}  // namespace nacelle::router::latency
