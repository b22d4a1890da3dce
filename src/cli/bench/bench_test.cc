#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/bench/load_runner.h"
#include "cli/bench/report.h"
#include "cli/bench/workload.h"

namespace nacelle::cli {
namespace {

std::size_t count_words(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

TEST(Workload, SharedPrefixHasItsGroupsAndLengths) {
  const SharedPrefixSpec spec{4, 3, 50, 7};
  const auto prompts = make_shared_prefix(spec, english_words(), 1);
  ASSERT_EQ(prompts.size(), 12u);
  std::set<std::string> prefixes, all;
  for (const std::string& prompt : prompts) {
    EXPECT_EQ(count_words(prompt), 57u);
    std::size_t end = 0;
    for (int i = 0; i < 50; ++i) end = prompt.find(' ', end) + 1;
    prefixes.insert(prompt.substr(0, end));
    all.insert(prompt);
  }
  EXPECT_EQ(prefixes.size(), 4u);
  EXPECT_EQ(all.size(), 12u);
  EXPECT_EQ(prompts, make_shared_prefix(spec, english_words(), 1));
  EXPECT_NE(prompts, make_shared_prefix(spec, english_words(), 2));
}

TEST(Arrivals, FollowTheRate) {
  Stage stage;
  stage.rate = 10;
  stage.requests = 2000;
  stage.arrival = Arrival::kConstant;
  EXPECT_DOUBLE_EQ(arrival_times(stage, 1).back(), 199.9);
  stage.arrival = Arrival::kPoisson;
  const auto times = arrival_times(stage, 1);
  EXPECT_NEAR(times.back(), 200, 15);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  stage.requests = 0;
  stage.duration_s = 5;
  EXPECT_NEAR(static_cast<double>(arrival_times(stage, 1).size()), 50, 25);
}

TEST(Measurements, PercentilesInterpolateLikeNumpy) {
  // numpy.percentile([1, 2, 3, 4, 10], [50, 90, 95, 99]) = 3, 7.6, 8.8, 9.76
  const Distribution d = distribution_of({10, 1, 3, 2, 4});
  EXPECT_DOUBLE_EQ(d.mean, 4);
  EXPECT_DOUBLE_EQ(d.p50, 3);
  EXPECT_DOUBLE_EQ(d.p90, 7.6);
  EXPECT_DOUBLE_EQ(d.p95, 8.8);
  EXPECT_DOUBLE_EQ(d.p99, 9.76);
  EXPECT_EQ(distribution_of({}).count, 0u);
}

std::vector<Measurement> two_good_one_bad() {
  Measurement a;
  a.ok = true;
  a.sent_s = 1;
  a.ttft_s = 0.5;
  a.e2e_s = 2.5;
  a.itl_s = {1, 1};
  a.prompt_tokens = 100;
  a.cached_tokens = 40;
  a.output_tokens = 3;
  Measurement b = a;
  b.sent_s = 2;
  b.output_tokens = 1;
  b.itl_s.clear();
  Measurement c;
  c.error = "HTTP 503";
  return {a, b, c};
}

TEST(Measurements, SummariseAsTheSheetDefines) {
  auto measurements = two_good_one_bad();
  measurements[2].sent_s = 1.5;
  const StageSummary s = summarise("concurrency 2", measurements);
  EXPECT_DOUBLE_EQ(s.duration_s, 3.5);  // 1.0 to 4.5
  EXPECT_EQ(s.errors, 1u);
  EXPECT_DOUBLE_EQ(s.output_tokens_per_s, 4 / 3.5);
  EXPECT_DOUBLE_EQ(s.hit_rate, 0.4);
  EXPECT_EQ(s.tpot.count, 1u);  // undefined for one token
  EXPECT_DOUBLE_EQ(s.tpot.mean, 1.0);
  EXPECT_EQ(s.ttft.count, 2u);
}

TEST(Reports, AreWellFormed) {
  BenchReport report{"127.0.0.1:8080", "shared-prefix", "round-robin <&>", 7, {}};
  report.stages.push_back(summarise("concurrency 2", two_good_one_bad()));
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["stages"][0]["errors_by_kind"]["HTTP 503"], 1);
  EXPECT_NE(to_table(report).find("failed: 1 x HTTP 503"), std::string::npos);
  const std::string svg = to_svg(report);
  EXPECT_TRUE(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
  EXPECT_TRUE(to_svg(BenchReport{}).ends_with("</svg>\n"));
}

TEST(LoadClientBody, AsksForUsageAndAFixedLength) {
  LoadTarget target;
  target.model = "demo";
  target.output_tokens = 9;
  EXPECT_EQ(
      request_body(target, "a \"b\""),
      R"({"model":"demo","prompt":"a \"b\"","max_tokens":9,"temperature":0,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}})");
}

}  // namespace
}  // namespace nacelle::cli
