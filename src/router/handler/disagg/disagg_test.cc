#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;
using testing::label;
using testing::pool_of;
using testing::request_of;
using testing::router_of;

using Headers = std::vector<HeaderValue>;

PoolSnapshot roles(std::initializer_list<const char*> names) {
  PoolSnapshot pool = pool_of(static_cast<std::uint32_t>(names.size()));
  std::size_t i = 0;
  for (const char* name : names) label(pool, i++, {{std::string(kRoleLabel), name}});
  return pool;
}

std::string config(std::string_view handler) {
  return "plugins:\n- type: decode-filter\n- type: prefill-filter\n- type: encode-filter\n"
         "- {type: prefix-based-pd-decider, parameters: {nonCachedTokens: 128}}\n- " +
         std::string(handler) +
         "\nschedulingProfiles:\n- {name: decode, plugins: [{pluginRef: decode-filter}]}\n"
         "- {name: prefill, plugins: [{pluginRef: prefill-filter}]}\n";
}

constexpr std::string_view kDecodeFirst =
    "{type: disagg-profile-handler, parameters: {deciders: {prefill: prefix-based-pd-decider}}}";

const std::vector<std::uint64_t> kLong = {1, 2, 3, 4};

TEST(DisaggProfileHandler, NamesThePrefillEndpointInAHeader) {
  auto router = router_of(config(kDecodeFirst), roles({"prefill", "decode"}));
  auto placement = router->pick(request_of(kLong), kStart);
  ASSERT_TRUE(placement) << placement.error().message();
  EXPECT_EQ(placement->address(), "10.0.0.2:8000");
  EXPECT_EQ(placement->set_headers(), (Headers{{"x-prefiller-host-port", "10.0.0.1:8000"}}));
  EXPECT_EQ(placement->remove_headers(),
            (std::vector<std::string>{"x-prefiller-host-port", "x-encoder-hosts-ports"}));
  // Both endpoints carry the request until the first byte, then only the one that decodes.
  EXPECT_EQ(router->load_of(EndpointId{0}).requests, 1u);
  EXPECT_EQ(router->load_of(EndpointId{0}).tokens, 256u);
  placement->on_first_byte();
  EXPECT_EQ(router->load_of(EndpointId{0}).requests, 0u);
  EXPECT_EQ(router->load_of(EndpointId{1}).requests, 1u);
  EXPECT_EQ(router->load_of(EndpointId{1}).tokens, 0u);
}

TEST(DisaggProfileHandler, DoesNotPrefillElsewhereWhatIsCachedOrShort) {
  auto router = router_of(config(kDecodeFirst), roles({"prefill", "decode"}));
  const std::vector<std::uint64_t> one = {9};
  EXPECT_TRUE(router->pick(request_of(one), kStart)->set_headers().empty());
  EXPECT_FALSE(router->pick(request_of(kLong), kStart)->set_headers().empty());
  EXPECT_TRUE(router->pick(request_of(kLong), kStart)->set_headers().empty());  // cached by now
}

TEST(DisaggProfileHandler, PrefillFirstAsksNoDecider) {
  auto router =
      router_of(config("{type: disagg-profile-handler, parameters: {stageOrder: prefill-first}}"),
                roles({"prefill", "decode"}));
  const std::vector<std::uint64_t> one = {9};
  EXPECT_FALSE(router->pick(request_of(one), kStart)->set_headers().empty());
}

TEST(DisaggProfileHandler, WithoutDecodeEndpointsItRefuses) {
  auto router = router_of(config(kDecodeFirst), roles({"prefill", "prefill"}));
  Refusal refusal;
  EXPECT_FALSE(router->pick(request_of(kLong), kStart, refusal));
  EXPECT_EQ(refusal.status.message(), "failed to find available decode workers");
  EXPECT_EQ(refusal.http_status, 429);
}

TEST(DisaggProfileHandler, WithoutPrefillEndpointsTheDecodeEndpointDoesBoth) {
  auto router = router_of(config(kDecodeFirst), roles({"decode"}));
  auto placement = router->pick(request_of(kLong), kStart);
  ASSERT_TRUE(placement);
  EXPECT_TRUE(placement->set_headers().empty());
}

TEST(DisaggProfileHandler, LegacySpellings) {
  auto router = router_of(
      config("{type: pd-profile-handler, parameters: {decodeProfile: decode, prefillProfile: "
             "prefill, primaryPort: 8200, deciderPluginName: always-disagg-pd-decider}}"),
      roles({"prefill", "decode"}));
  auto placement = router->pick(request_of(kLong), kStart);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->address(), "10.0.0.2:8200");
  EXPECT_EQ(placement->set_headers(), (Headers{{"x-prefiller-host-port", "10.0.0.1:8000"},
                                               {"x-data-parallel-host-port", "10.0.0.2:8000"}}));
}

TEST(DataParallelProfileHandler, SendsToThePrimaryPortAndNamesTheRank) {
  PoolSnapshot pool = pool_of(1);
  pool.endpoints[0].address = "10.0.0.1:8003";
  auto router = router_of(
      "plugins: [{type: data-parallel-profile-handler, parameters: {primaryPort: 8000}}]", pool);
  auto placement = router->pick(request_of({}), kStart);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->address(), "10.0.0.1:8000");
  EXPECT_EQ(placement->set_headers(), (Headers{{"x-data-parallel-host-port", "10.0.0.1:8003"}}));
}

TEST(HeaderProfileHandler, RunsTheProfileThatIsNamed) {
  auto router = router_of(config("type: header-profile-handler"), roles({"prefill", "decode"}));
  RoutingRequest request = request_of({});
  EXPECT_EQ(router->pick(request, kStart)->address(), "10.0.0.2:8000");
  const HeaderView prefill[] = {{"epp-profile", "prefill"}};
  request.headers = prefill;
  EXPECT_EQ(router->pick(request, kStart)->address(), "10.0.0.1:8000");
  const HeaderView other[] = {{"EPP-Profile", "nothing"}};
  request.headers = other;
  Refusal refusal;
  EXPECT_FALSE(router->pick(request, kStart, refusal));
  EXPECT_EQ(refusal.http_status, 400);
}

}  // namespace
}  // namespace nacelle::router
