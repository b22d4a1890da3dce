#include "gateway/gateway_config.h"

#include <gtest/gtest.h>

namespace nacelle::gateway {
namespace {

TEST(GatewayConfig, ReadsAWholeFile) {
  auto config = parse_gateway_config(R"(
listen: 127.0.0.1:9000
admin: "[::1]:9001"
policy: round-robin
endpoints: [127.0.0.1:8001, "localhost:8002"]
scrape_interval_ms: 50
limits: {body_bytes: 1000, connect_timeout_ms: 5, first_byte_timeout_s: 7, stream_idle_timeout_s: 8, max_attempts: 2}
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->listen.port, 9000);
  EXPECT_EQ(config->admin.host, "::1");
  EXPECT_EQ(config->policy, "round-robin");
  EXPECT_EQ(config->endpoints, (std::vector<std::string>{"127.0.0.1:8001", "localhost:8002"}));
  EXPECT_EQ(config->limits.body_bytes, 1000u);
  EXPECT_EQ(config->limits.connect_timeout, Duration(5ms));
  EXPECT_EQ(config->limits.first_byte_timeout, Duration(7s));
  EXPECT_EQ(config->limits.max_attempts, 2u);
}

TEST(GatewayConfig, ListsEveryProblemWithItsPath) {
  auto config = parse_gateway_config(R"(
listen: nowhere
endpoints: [127.0.0.1:8001, "127.0.0.1:99999"]
limits: {body_bytes: -1, max_attempts: many}
colour: red
)");
  ASSERT_FALSE(config);
  const std::string& message = config.error().message();
  for (const char* path : {"listen: ", "endpoints[1]: ", "limits.body_bytes: -1 is outside 1 to ",
                           "limits.max_attempts: expected a whole number",
                           "colour: unknown field; there are admin, endpointPickerConfig, "
                           "endpoints, limits, listen, policy"}) {
    EXPECT_NE(message.find(path), std::string::npos) << path << " not in:\n" << message;
  }
}

TEST(GatewayConfig, RefusesWhatIsNotAConfiguration) {
  for (const char* text : {"", "[1, 2]", "a: [", "endpoints: []", "endpoints: 7"}) {
    EXPECT_FALSE(parse_gateway_config(text)) << text;
  }
}

}  // namespace
}  // namespace nacelle::gateway
