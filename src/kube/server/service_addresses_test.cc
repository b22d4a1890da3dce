#include "kube/server/service_addresses.h"

#include <gtest/gtest.h>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube::server {
namespace {

using testing::ApiFixture;

const std::string kServices = "/api/v1/namespaces/default/services";

TEST(ServiceAddresses, GoThroughTheirRange) {
  auto addresses = ServiceAddresses::create("127.96.48.0/28");
  ASSERT_TRUE(addresses.ok());
  EXPECT_EQ((*addresses)->next({}), "127.96.48.1");
  EXPECT_EQ((*addresses)->next({"127.96.48.2"}), "127.96.48.3");
  std::set<std::string, std::less<>> taken;
  for (int i = 1; i < 16; ++i) taken.insert("127.96.48." + std::to_string(i));
  EXPECT_EQ((*addresses)->next(taken), "");
  EXPECT_FALSE((*addresses)->is_foreign("127.96.48.15"));
  EXPECT_TRUE((*addresses)->is_foreign("127.96.48.16"));
  EXPECT_TRUE((*addresses)->is_foreign("127.96.47.255"));
  for (const char* other : {"", "None", "10.0.0.1", "127.1"}) {
    EXPECT_FALSE((*addresses)->is_foreign(other)) << other;
  }
}

TEST(ServiceAddresses, RefuseWhatIsNoRange) {
  for (const char* range :
       {"", "127.96.0.0", "127.96/16", "127.96.0.0/x", "127.96.0.0/7", "127.96.0.0/29", "::1/16"}) {
    EXPECT_FALSE(ServiceAddresses::create(range).ok()) << range;
  }
}

// The range of a server changes when another cluster of the machine has taken it.
TEST(ServiceAddresses, ServicesOfAnotherRangeMoveAtTheStart) {
  ApiServerOptions options;
  options.service_range = "127.96.16.0/20";
  ApiFixture api(std::move(options));
  const auto make = [&](const char* name, const char* address) {
    Json service = {{"metadata", {{"name", name}}},
                    {"spec", {{"ports", Json::array({{{"port", 80}}})}}}};
    if (*address != '\0') service["spec"]["clusterIP"] = address;
    const auto made = api.post(kServices, service);
    EXPECT_EQ(made.status, 201) << made.text;
    return std::string(text_at(made.body, {"spec", "clusterIP"}));
  };
  const auto address = [&](const char* name) {
    const Json now = api.get(kServices + "/" + name).body;
    EXPECT_EQ(now["spec"]["clusterIPs"][0], now["spec"]["clusterIP"]);
    return std::string(text_at(now, {"spec", "clusterIP"}));
  };
  const std::string ours = make("ours", "");
  EXPECT_EQ(ours, "127.96.16.1");
  make("before", "127.96.0.1");
  make("headless", "None");
  make("elsewhere", "10.1.2.3");
  api.restart();
  EXPECT_EQ(address("ours"), ours);
  EXPECT_EQ(address("headless"), "None");
  EXPECT_EQ(address("elsewhere"), "10.1.2.3");
  const std::string moved = address("before");
  EXPECT_TRUE(moved.starts_with("127.96.") && moved != ours && moved != "127.96.0.1") << moved;
  const Json version = api.get(kServices + "/before").body["metadata"]["resourceVersion"];
  api.restart();
  EXPECT_EQ(address("before"), moved);
  EXPECT_EQ(api.get(kServices + "/before").body["metadata"]["resourceVersion"], version);
}

}  // namespace
}  // namespace nacelle::kube::server
