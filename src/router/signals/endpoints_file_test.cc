#include "router/signals/endpoints_file.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

TEST(EndpointsFile, ReadsYamlAndJson) {
  const char* yaml = R"(
endpoints:
- {name: a, address: 10.0.0.1, port: "8000", labels: {llm-d.ai/role: decode}}
- {name: a, namespace: other, address: 10.0.0.2, port: "8001"}
)";
  const char* json = R"({"endpoints": [
    {"name": "a", "address": "10.0.0.1", "port": "8000", "labels": {"llm-d.ai/role": "decode"}},
    {"name": "a", "namespace": "other", "address": "10.0.0.2", "port": "8001"}]})";
  for (const char* text : {yaml, json}) {
    const auto file = parse_endpoints_file(text);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_TRUE(file->skipped.empty());
    EXPECT_EQ(file->endpoints, (std::vector<FileEndpoint>{
                                   {"a", "default", "10.0.0.1:8000", {{"llm-d.ai/role", "decode"}}},
                                   {"a", "other", "10.0.0.2:8001", {}}}));
  }
}

TEST(EndpointsFile, SkipsWhatIsWrongAndSaysSo) {
  const auto file = parse_endpoints_file(R"(
endpoints:
- {name: ok, address: 10.0.0.1, port: "1"}
- {name: host, address: example.com, port: "80"}
- {name: port, address: 10.0.0.1, port: "65536"}
- {address: 10.0.0.1, port: "80"}
- {name: ok, address: 10.0.0.9, port: "80"}
- {name: typo, adress: 10.0.0.1, port: "80"}
- 5
)");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->endpoints.size(), 1u);
  ASSERT_EQ(file->skipped.size(), 6u);
  EXPECT_EQ(file->skipped[0], "endpoints[1].address: 'example.com' is no IPv4 address");
  EXPECT_EQ(file->skipped[1], "endpoints[2].port: '65536' is outside 1 to 65535");
  EXPECT_EQ(file->skipped[2], "endpoints[3].name: is missing");
  EXPECT_EQ(file->skipped[3], "endpoints[4].name: another endpoint is named 'ok' too");
}

TEST(EndpointsFile, AnEmptyListIsNoError) {
  EXPECT_TRUE(parse_endpoints_file("endpoints: []")->endpoints.empty());
  EXPECT_FALSE(parse_endpoints_file(""));
  EXPECT_FALSE(parse_endpoints_file("endpoints: 5"));
  EXPECT_FALSE(parse_endpoints_file("[1]"));
}

}  // namespace
}  // namespace nacelle::router
