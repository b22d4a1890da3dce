#include "gateway/header_rules.h"

#include <gtest/gtest.h>

namespace nacelle::gateway {
namespace {

using net::http::Headers;

TEST(HeaderRules, HopByHopFieldsAndThoseConnectionNamesStayBehind) {
  Headers headers{{"Host", "a"},
                  {"Connection", "close, X-Secret , keep-alive"},
                  {"X-Secret", "1"},
                  {"TE", "trailers"},
                  {"Transfer-Encoding", "chunked"},
                  {"Upgrade", "h2c"},
                  {"Authorization", "Bearer k"},
                  {"Expect", "100-continue"}};
  prepare_request_headers(headers, "10.1.2.3", "id-1");
  std::string names;
  for (const auto& field : headers) names += std::string(field.name) + " ";
  EXPECT_EQ(names, "Host Authorization x-forwarded-for x-request-id ");
  EXPECT_EQ(headers.get("x-forwarded-for"), "10.1.2.3");
}

TEST(HeaderRules, AppendsToForwardedForAndKeepsTheClientsRequestId) {
  Headers headers{{"X-Forwarded-For", "1.1.1.1"}, {"X-Request-Id", "mine"}};
  prepare_request_headers(headers, "10.1.2.3", "id-1");
  EXPECT_EQ(headers.get("x-forwarded-for"), "1.1.1.1, 10.1.2.3");
  EXPECT_EQ(headers.get("x-request-id"), "mine");
}

TEST(HeaderRules, RoutingHeadersOfAClientAreNotBelieved) {
  Headers headers{{"X-Gateway-Destination-Endpoint", "10.0.0.1:1"},
                  {"x-prefiller-host-port", "10.0.0.2:1"}};
  prepare_request_headers(headers, "10.1.2.3", "id-1");
  EXPECT_FALSE(headers.contains("x-gateway-destination-endpoint"));
  EXPECT_FALSE(headers.contains("x-prefiller-host-port"));
}

}  // namespace
}  // namespace nacelle::gateway
