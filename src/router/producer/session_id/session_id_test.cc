#include "router/producer/session_id/session_id.h"
#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(SessionId, ComesFromAHeaderOrACookie) {
  const HeaderView headers[] = {{"Cookie", "a=1; sid=abc; sidx=2"}, {"X-Session-Id", "h"}};
  PluginFixture f(std::vector<Row>{{}});
  f.input.request.headers = headers;
  EXPECT_EQ(f.with("session-id-producer").as<SessionId>().of(f.input.request), "h");
  EXPECT_EQ(f.with("session-id-producer", "{cookieName: sid}").as<SessionId>().of(f.input.request),
            "abc");
  EXPECT_EQ(f.with("session-id-producer", "{cookieName: si}").as<SessionId>().of(f.input.request),
            "");
}

TEST(SessionId, OneOfThemNamesIt) {
  EXPECT_EQ(
      PluginFixture::error("session-id-producer", "{headerName: a, cookieName: b}"),
      "plugins[0].parameters.cookieName: headerName is set too; one of them names the session");
}

}  // namespace
}  // namespace nacelle::router
