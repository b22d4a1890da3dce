#include "serve/metrics/engine_metrics.h"

#include <gtest/gtest.h>

#include <map>

#include "serve/testing/fake_engine.h"

namespace nacelle::serve {
namespace {

// Values of counters by name, with the last label's value behind a colon where there are more than
// two.
class Counters final : public telemetry::Snapshot {
 public:
  void counter(std::string_view name, std::string_view, const telemetry::Labels& labels,
               double value) override {
    std::string key(name);
    if (labels.size() > 2) key += ":" + labels.back().second;
    values[key] = value;
  }
  void gauge(std::string_view, std::string_view, const telemetry::Labels&, double) override {}
  void histogram(std::string_view, std::string_view, const telemetry::Labels&,
                 const std::vector<std::pair<double, std::uint64_t>>&, std::uint64_t,
                 double) override {}
  std::map<std::string, double> values;
};

std::map<std::string, double> speculation_counters(std::uint32_t num_speculative_tokens) {
  testing::FakeEngine engine([](const engine::Request&) { return testing::Script{}; });
  engine.set_speculation(num_speculative_tokens);
  ServerConfig config;
  config.served_model_names = {"demo"};
  EngineMetrics metrics(engine, config);
  Counters counters;
  metrics.collect(counters, TimePoint{});
  std::erase_if(counters.values, [](const auto& entry) {
    return entry.first.find("spec_decode") == std::string::npos;
  });
  return counters.values;
}

TEST(EngineMetrics, SpeculationHasItsFamiliesOnlyWhenItIsOn) {
  EXPECT_TRUE(speculation_counters(0).empty());
  const std::map<std::string, double> expected = {
      {"vllm:spec_decode_num_drafts_total", 3},
      {"vllm:spec_decode_num_draft_tokens_total", 9},
      {"vllm:spec_decode_num_accepted_tokens_total", 6},
      {"vllm:spec_decode_num_accepted_tokens_per_pos_total:0", 3},
      {"vllm:spec_decode_num_accepted_tokens_per_pos_total:1", 2},
      {"vllm:spec_decode_num_accepted_tokens_per_pos_total:2", 1},
  };
  EXPECT_EQ(speculation_counters(3), expected);
}

}  // namespace
}  // namespace nacelle::serve
