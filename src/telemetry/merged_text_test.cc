#include "telemetry/merged_text.h"

#include <gtest/gtest.h>

namespace nacelle::telemetry {
namespace {

TEST(MergedText, SamplesOfOneNameStandTogetherWithTheLabelsOfTheirPart) {
  Metrics a;
  Metrics b;
  a.counter("t_requests_total", "Requests.", {"code"}).with({"200"}).increment(2);
  b.counter("t_requests_total", "Requests.", {"code"}).with({"200"}).increment(3);
  b.gauge("t_ready", "Ready.").with({}).set(1);
  b.gauge("t_named", "Named.", {"pool"}).with({"own"}).set(4);
  a.gauge("t_odd", "Odd.", {"text"}).with({"{pool=\"x\"} "}).set(1);
  MergedText merged;
  merged.add(a.serialize(), {{"pool", "a"}});
  merged.add(b.serialize(), {{"pool", "b\"\\"}});
  EXPECT_EQ(merged.text(),
            "# HELP t_named Named.\n# TYPE t_named gauge\n"
            "t_named{pool=\"own\"} 4\n"
            "# HELP t_odd Odd.\n# TYPE t_odd gauge\n"
            "t_odd{pool=\"a\",text=\"{pool=\\\"x\\\"} \"} 1\n"
            "# HELP t_ready Ready.\n# TYPE t_ready gauge\n"
            "t_ready{pool=\"b\\\"\\\\\"} 1\n"
            "# HELP t_requests_total Requests.\n# TYPE t_requests_total counter\n"
            "t_requests_total{pool=\"a\",code=\"200\"} 2\n"
            "t_requests_total{pool=\"b\\\"\\\\\",code=\"200\"} 3\n");
}

}  // namespace
}  // namespace nacelle::telemetry
