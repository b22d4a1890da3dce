#include "telemetry/prometheus_text.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::telemetry {
namespace {

TEST(PrometheusText, ReadsWhatVllmWrites) {
  const std::string text =
      "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
      "# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"Qwen/Qwen3-0.6B\"} 3.0\n"
      "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"Qwen/Qwen3-0.6B\"} 0.25\n"
      "process_resident_memory_bytes 1.234e+09\n";
  PrometheusTextReader reader(text);
  PrometheusSample sample;
  ASSERT_TRUE(reader.next(sample));
  EXPECT_EQ(sample.name, "vllm:num_requests_running");
  EXPECT_EQ(sample.label("model_name"), "Qwen/Qwen3-0.6B");
  EXPECT_EQ(sample.label("engine"), "0");
  EXPECT_EQ(sample.label("pod"), std::nullopt);
  EXPECT_EQ(sample.value, 3);
  ASSERT_TRUE(reader.next(sample));
  EXPECT_EQ(sample.value, 0.25);
  ASSERT_TRUE(reader.next(sample));
  EXPECT_EQ(sample.name, "process_resident_memory_bytes");
  EXPECT_EQ(sample.raw_labels, "");
  EXPECT_EQ(sample.value, 1.234e9);
  EXPECT_FALSE(reader.next(sample));
  EXPECT_EQ(reader.malformed_lines(), 0u);
}

TEST(PrometheusText, AcceptsTheTolerableForms) {
  struct Row {
    const char* line;
    double value;
    const char* labels;
  };
  const Row rows[] = {
      {"a 1", 1, ""},
      {"a{} 1", 1, ""},
      {"a {x=\"1\"} 1", 1, "x=\"1\""},
      {"a{x=\"1\",} 1", 1, "x=\"1\","},
      {"  a { x = \"}\" , y=\"\\\"\" } 2  ", 2, " x = \"}\" , y=\"\\\"\" "},
      {"a 1 1700000000000", 1, ""},
      {"a -1.5e-3 -5", -1.5e-3, ""},
      {"a_bucket{le=\"+Inf\"} 3 # {trace_id=\"x\"} 0.5", 3, "le=\"+Inf\""},
      {"a\t+4\r", 4, ""},
      {"a +Inf", INFINITY, ""},
      {"a -Inf", -INFINITY, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    PrometheusTextReader reader(row.line);
    PrometheusSample sample;
    ASSERT_TRUE(reader.next(sample));
    EXPECT_EQ(sample.value, row.value);
    EXPECT_EQ(sample.raw_labels, row.labels);
  }
  PrometheusTextReader reader("a NaN");
  PrometheusSample sample;
  ASSERT_TRUE(reader.next(sample));
  EXPECT_TRUE(std::isnan(sample.value));
}

TEST(PrometheusText, SkipsAndCountsMalformedLines) {
  const std::vector<std::string> bad = {
      "a",           "a x",      "1a 1",         "a{ 1",
      "a{x} 1",      "a{x=1} 1", "a{x=\"1} 1",   "a{x=\"1\" y=\"2\"} 1",
      "{x=\"1\"} 1", "a 1 x",    "a{,} 1",       "a 0x10",
      "a 1e",        "\x01 1",   "a{x=\"\\\"} 1"};
  std::string text;
  for (const auto& line : bad) text += line + "\ngood 7\n";
  PrometheusTextReader reader(text);
  PrometheusSample sample;
  std::size_t good = 0;
  while (reader.next(sample)) {
    EXPECT_EQ(sample.name, "good");
    EXPECT_EQ(sample.value, 7);
    ++good;
  }
  EXPECT_EQ(good, bad.size());
  EXPECT_EQ(reader.malformed_lines(), bad.size());
}

TEST(PrometheusText, UnescapesLabels) {
  EXPECT_EQ(unescape_label(R"(a\\b\"c\nd\x)"), "a\\b\"c\nd\\x");
}

}  // namespace
}  // namespace nacelle::telemetry
