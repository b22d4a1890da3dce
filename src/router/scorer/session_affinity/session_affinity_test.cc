#include "router/scorer/session_affinity/session_binding.h"
#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(SessionAffinityScorer, FollowsTheTokenItGaveOut) {
  PluginFixture f({{}, {}, {}});
  f.with("session-affinity-scorer");
  const std::string token = encode_session_token(f.pool.endpoints[2]);
  EXPECT_EQ(token, "ZGVmYXVsdC9wb2QtMg==");  // default/pod-2
  const HeaderView headers[] = {{"X-Session-Token", token}};
  f.input.request.headers = headers;
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 0, 1}));

  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{2, 0}};
  f.in_context([&](const PickContext& context) {
    f.as<Finisher>().finish(context, f.decision);
    f.as<Finisher>().finish(context, f.decision);
  });
  EXPECT_EQ(f.decision.response_headers, (std::vector<HeaderValue>{{"x-session-token", token}}));
}

TEST(SessionAffinityScorer, TokensOfNobodyScoreNobody) {
  for (const char* token : {"", "!!!", "ZGVm", "bm93aGVyZS9wb2QtOQ==", "////"}) {
    PluginFixture f({{}, {}});
    f.with("session-affinity-scorer");
    const HeaderView headers[] = {{"x-session-token", token}};
    f.input.request.headers = headers;
    f.as<Producer>().produce(f.input);
    EXPECT_EQ(f.score(), (Scores{0, 0})) << token;
  }
}

TEST(SessionAffinityScorer, RemembersSessionsUntilTheyExpire) {
  PluginFixture f({{}, {}});
  f.with("session-affinity-scorer",
         "{strategy: session_id, sessionIdConfig: {sources: [{header: X-Chat}, "
         "{attribute: SessionID, producer: session-id-producer}], evictionTtlSeconds: 60}}");
  const HeaderView headers[] = {{"x-chat", "s1"}};
  f.input.request.headers = headers;
  auto& producer = f.as<Producer>();
  producer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 0}));
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{1, 0}};
  producer.committed(f.input, f.decision);
  producer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 1}));
  f.input.now += std::chrono::seconds(61);
  producer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 0}));
}

TEST(SessionAffinityScorer, AnEndpointThatLeftIsForgotten) {
  PluginFixture f({{}, {}});
  f.with("session-affinity-scorer", "{strategy: session_id}");
  const HeaderView headers[] = {{"x-session-id", "s1"}};
  f.input.request.headers = headers;
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{1, 0}};
  f.as<Producer>().committed(f.input, f.decision);
  f.as<Producer>().forget(EndpointId{1});
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 0}));
}

TEST(SessionToken, ComesBackWhateverItsLength) {
  for (const char* name : {"a", "ab", "abc", "abcd"}) {
    EndpointSnapshot endpoint;
    endpoint.name = name;
    EXPECT_EQ(decode_session_token(encode_session_token(endpoint)), std::string("default/") + name);
  }
}

}  // namespace
}  // namespace nacelle::router
