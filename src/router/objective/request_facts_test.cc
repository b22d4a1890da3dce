#include "router/objective/request_facts.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::router::objective {
namespace {

RequestFacts facts(const std::vector<HeaderView>& headers) {
  return request_facts_from_headers(headers);
}

TEST(RequestFacts, TheCurrentNameWinsOverItsAliasWhereverItStands) {
  const RequestFacts got = facts({{"x-gateway-inference-fairness-id", "old"},
                                  {"X-LLM-D-Inference-Fairness-Id", "new"},
                                  {"x-llm-d-inference-objective", "gold"},
                                  {"x-gateway-inference-objective", "tin"},
                                  {"x-gateway-model-name-rewrite", "m"},
                                  {"x-slo-ttft-ms", "250.5"},
                                  {"x-llm-d-slo-tpot-ms", " 20 "}});
  EXPECT_EQ(got.fairness_id, "new");
  EXPECT_EQ(got.objective, "gold");
  EXPECT_EQ(got.model_rewrite, "m");
  EXPECT_EQ(got.slo_ttft, Duration(250'500us));
  EXPECT_EQ(got.slo_tpot, Duration(20ms));
}

TEST(RequestFacts, AnEmptyCurrentNameLeavesTheAlias) {
  EXPECT_EQ(
      facts({{"x-llm-d-inference-fairness-id", ""}, {"x-gateway-inference-fairness-id", "old"}})
          .fairness_id,
      "old");
}

TEST(RequestFacts, OfOneNameTheFirstValueCounts) {
  EXPECT_EQ(facts({{"x-request-id", "a"}, {"x-request-id", "b"}}).request_id, "a");
}

TEST(RequestFacts, SlosThatAreNoPositiveNumbersAreAbsent) {
  for (const std::string_view bad :
       {"", "-1", "0", "nan", "inf", "1e400", "12ms", "0x10", "1,5", "86400001"}) {
    EXPECT_EQ(parse_slo_ms(bad), Duration::zero()) << bad;
  }
  EXPECT_EQ(parse_slo_ms("1e2"), Duration(100ms));
}

TEST(RequestFacts, AgentsSessionsComeInTheirOrder) {
  EXPECT_EQ(facts({{"session_id", "d"}, {"session-id", "c"}}).agent_session, "c");
  EXPECT_EQ(facts({{"session_id", "d"}, {"X-Claude-Code-Session-Id", "a"}}).agent_session, "a");
  RequestFacts got = facts({{"x-session-affinity", "b"}});
  EXPECT_EQ(fairness_id_of(got, true), "b");
  EXPECT_EQ(fairness_id_of(got, false), "default-flow");
  got.fairness_id = "f";
  EXPECT_EQ(fairness_id_of(got, true), "f");
}

TEST(RequestFacts, PreferIsAListOfTokens) {
  EXPECT_TRUE(facts({{"Prefer", "respond-async, If-Available;x=1"}}).prefer_if_available);
  EXPECT_TRUE(facts({{"prefer", "a"}, {"prefer", "if-available"}}).prefer_if_available);
  EXPECT_FALSE(facts({{"prefer", "if-available-soon, not if-available"}}).prefer_if_available);
}

TEST(RequestFacts, SystemOwnedHeadersAreExactlyThese) {
  const std::vector<std::string_view> owned{"x-llm-d-inference-fairness-id",
                                            "x-gateway-inference-fairness-id",
                                            "x-llm-d-inference-objective",
                                            "x-gateway-inference-objective",
                                            "x-llm-d-model-name-rewrite",
                                            "x-gateway-model-name-rewrite",
                                            "x-llm-d-slo-ttft-ms",
                                            "x-slo-ttft-ms",
                                            "x-llm-d-slo-tpot-ms",
                                            "x-slo-tpot-ms",
                                            "x-llm-d-video-fps",
                                            "x-llm-d-video-duration-seconds",
                                            "x-llm-d-video-resolution",
                                            "x-gateway-destination-endpoint-subset",
                                            "x-gateway-destination-endpoint",
                                            "x-gateway-destination-endpoint-served",
                                            "x-llm-d-request-dropped-reason",
                                            "content-length",
                                            "Content-Length"};
  for (const auto name : owned) EXPECT_TRUE(is_system_owned(name)) << name;
  for (const auto name : {"x-request-id", "x-session-token", "prefer", "traceparent", "host",
                          "content-type", "", "x-gateway-destination-endpoint-scores"}) {
    EXPECT_FALSE(is_system_owned(name)) << name;
  }
}

}  // namespace
}  // namespace nacelle::router::objective
