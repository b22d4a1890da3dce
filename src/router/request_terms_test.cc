#include "router/request_terms.h"

#include <gtest/gtest.h>

#include <string>

namespace nacelle::router {
namespace {

TEST(RequestTerms, HeadersAndBodyBecomeARoutingRequest) {
  const HeaderView headers[] = {{"X-LLM-D-SLO-TTFT-MS", "250"},
                                {"x-slo-tpot-ms", "20.5"},
                                {"Prefer", "if-available"},
                                {"x-session-token", "abc"}};
  const std::string_view subset[] = {"10.0.0.1:80"};
  RequestTerms terms;
  terms.headers = headers;
  terms.facts = objective::request_facts_from_headers(headers);
  terms.model = "m";
  terms.cache_salt = "s";
  const std::string prompt(1000, 'x');
  terms.prompt = prompt;
  terms.max_output_tokens = 7;
  terms.priority = -3;
  terms.subset = subset;
  std::vector<std::uint64_t> hashes{1, 2, 3};
  const RoutingRequest request = routing_request_of(terms, {}, 99, hashes);
  std::vector<std::uint64_t> expected;
  append_text_prefix_hashes(prefix_seed("m", "s"), prompt, {}, expected);
  EXPECT_EQ(hashes, expected);
  EXPECT_EQ(request.block_hashes.data(), hashes.data());
  EXPECT_EQ(request.prompt_tokens, estimated_tokens(prompt));
  EXPECT_TRUE(request.precise_hashes.empty());
  EXPECT_EQ(request.slo_ttft_ms, 250);
  EXPECT_EQ(request.slo_tpot_ms, 20.5);
  EXPECT_TRUE(request.prefer_if_available);
  EXPECT_EQ(request.header("x-session-token"), "abc");
  EXPECT_EQ(request.max_output_tokens, 7u);
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(request.random, 99u);
  EXPECT_EQ(request.subset.size(), 1u);
}

TEST(RequestTerms, TokensOfTheEngineWinOverTheEstimate) {
  const PromptBlocks blocks{{11, 22}, 32, 70};
  RequestTerms terms;
  terms.prompt = "\"some text\"";
  terms.tokens = &blocks;
  std::vector<std::uint64_t> hashes;
  const RoutingRequest request = routing_request_of(terms, {}, 0, hashes);
  EXPECT_EQ(request.prompt_tokens, 70u);
  EXPECT_EQ(request.precise_block_size_tokens, 32u);
  ASSERT_EQ(request.precise_hashes.size(), 2u);
  EXPECT_EQ(request.precise_hashes[1], 22u);
}

}  // namespace
}  // namespace nacelle::router
