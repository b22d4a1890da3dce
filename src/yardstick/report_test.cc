// Reports by golden files (tests/testdata/yardstick), and how bars are judged.
//
// After an intended change: NACELLE_UPDATE_GOLDENS=1 yardstick_test, then read the diff.
#include "yardstick/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "yardstick/bars.h"
#include "yardstick/timing.h"
#include "yardstick/yardstick.h"

namespace nacelle::yardstick {
namespace {

Row product(const char* name, const char* column, double m, double best_s, double peer_s) {
  Row row;
  row.section = "gemm bf16";
  row.name = name;
  row.column = column;
  row.label = row.name == "1024 x 1024" ? column : "";
  row.operations = 2 * m * 1024 * 1024;
  row.bytes = 2 * 1024 * 1024 + 6 * m * 1024;
  row.roof = "bf16, avx512_bf16";
  if (m >= 256) row.bars = {{"gemm bf16, M >= 256", Bar::Of::kShare, 0.75}};
  row.ours = {best_s, best_s * 1.25, 40};
  if (peer_s > 0) row.peer = Timing{peer_s, peer_s * 1.5, 40};
  return row;
}

Report example() {
  Report report;
  report.machine = "Example CPU <8 cores>";
  report.threads = 8;
  report.isa = "avx512_bf16";
  report.peer = "oneDNN 2.6.3";
  report.notes = {"operations: a multiply and an add are two"};
  report.limits.arithmetic = {{"f32, avx512", 200, 1500}, {"bf16, avx512_bf16", 500, 4000}};
  report.limits.read = {"read", 20, 100};
  report.rows = {product("1024 x 1024", "M=1", 1, 25e-6, 30e-6),
                 product("1024 x 1024", "M=512", 512, 320e-6, 300e-6),
                 product("4096 x 1024", "M=512", 512, 400e-6, 0)};
  Row attention;
  attention.section = "attention";
  attention.name = "0.6B, decode 1 x 4096";
  attention.label = "decode 1 x 4096";
  attention.operations = 33.5e6;
  attention.bytes = 16.8e6;
  attention.roof = "bf16, avx512_bf16";
  attention.ours = {200e-6, 220e-6, 50};
  report.rows.push_back(attention);
  Row decode;
  decode.section = "Qwen3-0.6B bf16";
  decode.name = "decode, 1 stream at 256";
  decode.label = decode.name;
  decode.operations = 1.3e9;
  decode.bytes = 1.2e9;
  decode.tokens = 1;
  decode.roof = "bf16, avx512_bf16";
  decode.bars = {{"decode of one stream, bf16", Bar::Of::kShare, 0.88}};
  decode.ours = {13e-3, 14e-3, 20};
  Limits slow = report.limits;  // the machine reads at 95 GB/s at times
  slow.read.all_threads = 95;
  decode.moments = {{14e-3, slow}, {13e-3, report.limits}, {14.2e-3, report.limits}};
  report.rows.push_back(decode);
  report.ratios = {
      {"attention's share of prefill, 16384 tokens", "0.40 s of 1.00 s", 0.40, 0.45, true},
      {"int8 over bf16", "tokens per second", 1.25, 1.5, false},
      {"a share of 8192 tokens", "0.50 s of 1.00 s", 0.50, 0.45, true},
      {"a share without a bar", "0.51 s of 1.00 s", 0.51, std::nullopt, true}};
  return report;
}

void expect_golden(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::path(NACELLE_TESTDATA) / "yardstick" / name;
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

TEST(Report, Text) { expect_golden("report.txt", to_text(example())); }
TEST(Report, TextWithEveryRow) {
  expect_golden("report_rows.txt", to_text(example(), Detail::kEveryRow));
}
TEST(Report, Json) { expect_golden("report.json", to_json(example())); }
TEST(Report, Svg) { expect_golden("report.svg", to_svg(example())); }

TEST(Report, AnEmptyReportIsStillWellFormed) {
  EXPECT_TRUE(nlohmann::json::parse(to_json({})).at("rows").empty());
  EXPECT_NE(to_text({}).find("limits"), std::string::npos);
  EXPECT_TRUE(to_svg({}).ends_with("</svg>\n"));
  EXPECT_EQ(to_svg({}).find("nan"), std::string::npos);
}

TEST(Bars, RowsOfOneBarAreSummedUp) {
  const auto all = sum_up(example());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].rows, 2u);
  EXPECT_EQ(all[0].ok, 1u);
  EXPECT_EQ(all[0].worst_row, "4096 x 1024, M=512");
  EXPECT_EQ(all[1].ok, 1u);
}

TEST(Bars, APeerThatWasNotMeasuredIsNoVerdict) {
  Report report = example();
  for (Row& row : report.rows) row.bars = {{"at least oneDNN", Bar::Of::kPeer, 1.0}};
  const auto all = sum_up(report);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].rows, 2u);
  EXPECT_EQ(all[0].ok, 1u);
  EXPECT_DOUBLE_EQ(all[0].worst, 300.0 / 320);
}

TEST(Bars, TilesAskForOtherSharesThanVectors) {
  using kernels::Isa;
  using kernels::WeightFormat;
  const auto vectors = gemm_bars(Isa::kAvx512Bf16, WeightFormat::kBF16, 256, 1024, 8192);
  ASSERT_EQ(vectors.size(), 1u);
  EXPECT_EQ(vectors[0].at_least, 0.75);
  const auto tiles = gemm_bars(Isa::kAmx, WeightFormat::kBF16, 256, 1024, 8192);
  ASSERT_EQ(tiles.size(), 2u);
  EXPECT_EQ(tiles[0].at_least, 0.65);
  EXPECT_EQ(tiles[1].of, Bar::Of::kPeer);
  EXPECT_TRUE(gemm_bars(Isa::kAmx, WeightFormat::kBF16, 32, 1024, 8192).empty());
  EXPECT_TRUE(gemm_bars(Isa::kAmx, WeightFormat::kBF16, 256, 1024, 16384).empty());
  EXPECT_EQ(decode_bars(WeightFormat::kInt4)[0].at_least, 0.75);
  EXPECT_EQ(max_attention_share(Isa::kAmx), 0.45);
  EXPECT_EQ(max_attention_share(Isa::kAvx512Bf16), std::nullopt);
}

TEST(Bars, Int8IsComparedWithBf16OfTheSameModel) {
  std::vector<Row> rows(3);
  rows[0].section = "Qwen3-0.6B bf16";
  rows[1].section = "Qwen3-0.6B int8";
  rows[2].section = "Llama-3.2-1B int8";
  for (Row& row : rows) row.name = "prefill 2048";
  rows[0].ours.best_s = 3;
  rows[1].ours.best_s = 2;
  rows[2].ours.best_s = 1;
  const auto ratios = int8_over_bf16(rows, kernels::Isa::kAvx512Bf16);
  ASSERT_EQ(ratios.size(), 1u);
  EXPECT_DOUBLE_EQ(ratios[0].value, 1.5);
  EXPECT_TRUE(passes(ratios[0]));
  EXPECT_TRUE(int8_over_bf16(rows, kernels::Isa::kAmx).empty());
}

TEST(Timing, BestAndMedian) {
  const Timing timing = summarise({5, 1, 4, 2});
  EXPECT_EQ(timing.best_s, 1);
  EXPECT_EQ(timing.median_s, 2);
  EXPECT_EQ(timing.calls, 4u);
  EXPECT_EQ(summarise({}).calls, 0u);
}

TEST(Timing, BothSidesTakeTurns) {
  const kernels::WorkerPool pool(1);
  std::string turns;
  const Compared compared = compare(
      pool, [&] { turns += 'a'; }, [&] { turns += 'b'; }, {.seconds = 0, .min_calls = 3});
  EXPECT_GE(compared.ours.calls, 3u);
  EXPECT_GE(compared.peer->calls, 3u);
  EXPECT_EQ(turns.front(), 'a');
  EXPECT_EQ(turns.back(), 'b');
}

TEST(Timing, WhatIsMeasuredBetweenBelongsToTheSameMoments) {
  const kernels::WorkerPool pool(1);
  std::string turns;
  (void)compare(
      pool, [&] { turns += 'a'; }, [&] { turns += 'b'; }, {.seconds = 0, .min_calls = 1},
      [&](double best_s) {
        EXPECT_GT(best_s, 0);
        turns += '.';
      });
  EXPECT_EQ(turns.back(), '.');  // at least once, however short
  EXPECT_EQ(std::count(turns.begin(), turns.end(), '.'), 1);
}

TEST(Bars, ARowIsJudgedByItsMiddleMoment) {
  Report report = example();
  Row row = report.rows.front();
  const double alone = best_share(row, report.limits);
  const auto moment = [&](double pace, double seconds) {
    Moment out{row.ours.best_s * seconds, report.limits};
    for (Roof& roof : out.limits.arithmetic) roof.all_threads *= pace;
    out.limits.read.all_threads *= pace;
    row.moments.push_back(out);
  };
  // Twice as fast for a while, and so was the row; then once more when it was disturbed.
  moment(2, 0.5);
  EXPECT_DOUBLE_EQ(share(row, report.limits), alone);
  moment(1, 1);
  moment(2, 1);
  EXPECT_DOUBLE_EQ(share(row, report.limits), alone);
  EXPECT_DOUBLE_EQ(best_share(row, report.limits), alone);
  moment(0.5, 1);
  moment(0.5, 1);
  EXPECT_DOUBLE_EQ(share(row, report.limits), alone);
  EXPECT_DOUBLE_EQ(best_share(row, report.limits), 2 * alone);
}

TEST(Yardstick, TheTableNamesEveryKindOfWork) {
  Config config;
  const auto all = group_names(config);
  for (const char* name : {"gemm bf16 1024 x 6144", "gemm int8 8192 x 8192", "gate+up int4",
                           "attention 1B", "Llama-3.2-1B bf16", "attention share"}) {
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const std::string& g) {
      return g.starts_with(name);
    })) << name;
  }
  config.only = "gemm int4";
  for (const std::string& name : group_names(config)) EXPECT_TRUE(name.starts_with("gemm int4"));
  config.only = "no such group";
  EXPECT_TRUE(group_names(config).empty());
  EXPECT_EQ(run(config, {}).error().code(), Code::kInvalidArgument);
}

// A call longer than a burst and shorter than one whose first call counts: 5 ms, then 25 ms.
TEST(Timing, EveryBurstAddsASampleWhateverItsCallsTake) {
  std::vector<double> samples;
  double next = 5e-3;
  const auto call = [&] { return next; };
  run_burst(call, samples);
  run_burst(call, samples);
  EXPECT_EQ(samples, (std::vector<double>{5e-3, 5e-3}));
  next = 25e-3;
  run_burst(call, samples);
  EXPECT_EQ(samples, (std::vector<double>{5e-3, 5e-3, 25e-3}));
}

}  // namespace
}  // namespace nacelle::yardstick
