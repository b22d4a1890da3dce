#include "openai/routing_headers.h"

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

TEST(RoutingHeaders, WhoOwnsWhat) {
  struct Row {
    const char* name;
    bool picker, system;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"x-gateway-destination-endpoint", true, true},
           {"X-Gateway-Destination-Endpoint-Subset", true, true},
           {"x-llm-d-inference-objective", true, true},
           {"X-SLO-TTFT-MS", true, true},
           {"x-prefiller-host-port", false, true},
           {"x-envoy-retry-on", false, true},
           {"X-AI-EG-Model", false, true},
           {"x-ai-eg-something-new", false, true},
           {"x-aigw-api-key", false, true},
           {"x-gateway-destination-endpoints", false, false},
           {"x-gateway", false, false},
           {"x-request-id", false, false},
           {"x-session-token", false, false},
           {"authorization", false, false},
           {"content-length", false, false},
           {"x-", false, false},
           {"", false, false},
       }) {
    EXPECT_EQ(is_picker_header(row.name), row.picker) << row.name;
    EXPECT_EQ(is_system_header(row.name), row.system) << row.name;
  }
}

}  // namespace
}  // namespace nacelle::openai
