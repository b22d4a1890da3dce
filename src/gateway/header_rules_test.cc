#include "gateway/header_rules.h"

#include <gtest/gtest.h>

namespace nacelle::gateway {
namespace {

using net::http::Headers;

const ForwardedBy kBy = {"10.1.2.3", "http", "id-1"};

TEST(HeaderRules, HopByHopFieldsAndThoseConnectionNamesStayBehind) {
  Headers headers{{"Host", "a"},
                  {"Connection", "close, X-Secret , keep-alive"},
                  {"X-Secret", "1"},
                  {"TE", "trailers"},
                  {"Transfer-Encoding", "chunked"},
                  {"Upgrade", "h2c"},
                  {"Authorization", "Bearer k"},
                  {"Expect", "100-continue"}};
  prepare_request_headers(headers, kBy);
  std::string names;
  for (const auto& field : headers) names += std::string(field.name) + " ";
  EXPECT_EQ(names,
            "Host Authorization x-forwarded-for x-forwarded-proto x-forwarded-host x-request-id ");
  EXPECT_EQ(headers.get("x-forwarded-for"), "10.1.2.3");
}

TEST(HeaderRules, AppendsToForwardedForAndReplacesWhatAClientClaims) {
  Headers headers{
      {"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-Proto", "https"}, {"X-Request-Id", "mine"}};
  prepare_request_headers(headers, kBy);
  EXPECT_EQ(headers.get("x-forwarded-for"), "1.1.1.1, 10.1.2.3");
  EXPECT_EQ(headers.get("x-forwarded-proto"), "http");
  EXPECT_EQ(headers.get("x-request-id"), "id-1");
}

TEST(HeaderRules, RoutingHeadersOfAClientAreNotBelieved) {
  Headers headers{{"X-Gateway-Destination-Endpoint", "10.0.0.1:1"},
                  {"x-ai-eg-model", "m"},
                  {"X-AIGW-api-key", "k"},
                  {"x-llm-d-inference-objective", "critical"},
                  {"x-mine", "stays"},
                  {"x-prefiller-host-port", "10.0.0.2:1"}};
  prepare_request_headers(headers, kBy);
  EXPECT_FALSE(headers.contains("x-gateway-destination-endpoint"));
  EXPECT_FALSE(headers.contains("x-prefiller-host-port"));
  EXPECT_FALSE(headers.contains("x-ai-eg-model"));
  EXPECT_FALSE(headers.contains("x-aigw-api-key"));
  EXPECT_FALSE(headers.contains("x-llm-d-inference-objective"));
  EXPECT_EQ(headers.get("x-mine"), "stays");
}

}  // namespace
}  // namespace nacelle::gateway
