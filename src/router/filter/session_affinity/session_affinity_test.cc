#include "router/scorer/session_affinity/session_binding.h"
#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(SessionAffinityFilter, KeepsTheSessionsEndpointWhileThereIsOne) {
  PluginFixture f({{}, {}});
  f.with("session-affinity-filter");
  const std::string token = encode_session_token(f.pool.endpoints[1]);
  const HeaderView headers[] = {{"x-session-token", token}};
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.filter(), (Kept{0, 1}));
  f.input.request.headers = headers;
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.filter(), (Kept{1}));
  f.pool.endpoints[1].name = "someone-else";
  f.publish();
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.filter(), (Kept{0, 1}));
}

}  // namespace
}  // namespace nacelle::router
