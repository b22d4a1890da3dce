#include "telemetry/metrics.h"

#include <thread>

#include <gtest/gtest.h>

#include "telemetry/prometheus_text.h"

namespace nacelle::telemetry {
namespace {

TEST(Metrics, WritesTheTextFormat) {
  Metrics metrics;
  metrics.counter("app_requests_total", "Requests\nby code.", {"code"}).with({"200"}).increment(3);
  metrics.gauge("app_running", "Running.").with({}).set(1.5);
  auto& latency = metrics.histogram("app_latency_seconds", "Latency.", {0.25, 1}).with({});
  latency.observe(0.1);
  latency.observe(0.5);
  latency.observe(5);
  EXPECT_EQ(metrics.serialize(),
            "# HELP app_latency_seconds Latency.\n"
            "# TYPE app_latency_seconds histogram\n"
            "app_latency_seconds_bucket{le=\"0.25\"} 1\n"
            "app_latency_seconds_bucket{le=\"1.0\"} 2\n"
            "app_latency_seconds_bucket{le=\"+Inf\"} 3\n"
            "app_latency_seconds_sum 5.6\n"
            "app_latency_seconds_count 3\n"
            "# HELP app_requests_total Requests\\nby code.\n"
            "# TYPE app_requests_total counter\n"
            "app_requests_total{code=\"200\"} 3\n"
            "# HELP app_running Running.\n"
            "# TYPE app_running gauge\n"
            "app_running 1.5\n");
}

TEST(Metrics, FamiliesWithoutLabelsStartAtZero) {
  Metrics metrics;
  metrics.counter("x_total", "X.");
  EXPECT_EQ(metrics.serialize(), "# HELP x_total X.\n# TYPE x_total counter\nx_total 0\n");
}

TEST(Metrics, CollectorsWriteAtScrapeTimeAndShareFamilies) {
  Metrics metrics;
  double value = 1;
  metrics.add_collector([&value](Snapshot& out) {
    out.gauge("vllm:num_requests_running", "Running.", {{"model_name", "a\"b\\c\n"}}, value);
    out.counter("vllm:x_total", "X.", {}, value);
    out.gauge("vllm:num_requests_running", "Running.", {{"model_name", "d"}}, value);
  });
  value = 2;
  EXPECT_EQ(metrics.serialize(),
            "# HELP vllm:num_requests_running Running.\n"
            "# TYPE vllm:num_requests_running gauge\n"
            "vllm:num_requests_running{model_name=\"a\\\"b\\\\c\\n\"} 2\n"
            "vllm:num_requests_running{model_name=\"d\"} 2\n"
            "# HELP vllm:x_total X.\n"
            "# TYPE vllm:x_total counter\n"
            "vllm:x_total 2\n");
}

TEST(Metrics, ABoundedFamilySharesOneChildBeyondItsBound) {
  Metrics metrics;
  auto& family = metrics.counter("m_total", "M.", {"model"}, 2);
  for (int i = 0; i < 100; ++i) family.with({std::to_string(i)}).increment();
  PrometheusSample sample;
  const std::string text = metrics.serialize();
  PrometheusTextReader reader(text);
  int samples = 0;
  double overflow = 0;
  while (reader.next(sample)) {
    ++samples;
    if (sample.label("model") == "overflow") overflow = sample.value;
  }
  EXPECT_EQ(samples, 3);
  EXPECT_EQ(overflow, 98);
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  auto& family = metrics.counter("t_total", "T.", {"k"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&family, t] {
      for (int i = 0; i < 1000; ++i) family.with({std::to_string(t % 2)}).increment();
    });
  }
  std::string text;
  for (int i = 0; i < 20; ++i) text = metrics.serialize();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(family.with({"0"}).value() + family.with({"1"}).value(), 4000);
}

}  // namespace
}  // namespace nacelle::telemetry
