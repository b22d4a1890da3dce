// ai_resume_test.cc: a stream of an AI route whose engine dies goes on from another one; the client
// sees one answer in its dialect and under its name, and the books see one request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/timer.h"
#include "gateway/ai/testing/ai_fixture.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string delta(const std::string& text, const std::string& finish = "null") {
  return fmt::format(R"(data: {{"id":"c","object":"chat.completion.chunk","created":1,"model":"m",)"
                     R"("choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":{}}}]}})"
                     "\n\n",
                     text, finish);
}

constexpr const char* kUsage =
    R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
    R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})"
    "\n\n";

// Speaks the resumption of docs/formats/stream-resume.md; dies `deaths` times in mid-stream.
struct DyingEngine {
  int deaths = 1;
  std::vector<net::http::RequestHead> heads;
  std::vector<std::string> bodies;

  static Task<void> serve(DyingEngine* self, ServerExchange* exchange) {
    const std::size_t call = self->heads.size();
    self->heads.push_back(exchange->request());
    auto body = co_await exchange->read_body(1 << 20);
    self->bodies.push_back(body ? *body : "");
    ResponseHead head;
    head.headers.add("content-type", "text/event-stream");
    head.headers.add("x-nacelle-resume", R"({"id":"c","created":1})");
    (void)co_await exchange->start(head);
    if (call < static_cast<std::size_t>(self->deaths)) {
      const std::string text = call == 0 ? "he" : "l";
      // What follows the last comment was not shown to anybody and is made again.
      const std::string piece =
          delta(text) + ": t 10" + std::to_string(call) + "\n\n" + delta("lost");
      (void)co_await exchange->write(piece);
      co_await async::sleep_for(5ms);
      exchange->abort();
      co_return;
    }
    const std::string end = delta("lo", "\"stop\"") + ": t 200,201 end\n\n";
    (void)co_await exchange->write(end);
    std::string rest;
    if (self->bodies[0].find("include_usage") != std::string::npos) rest = kUsage;
    rest += "data: [DONE]\n\n";
    (void)co_await exchange->finish(rest);
  }
  net::http::Handler handler() {
    return [this](ServerExchange& exchange) { return serve(this, &exchange); };
  }
};

class AiResume : public AiFixture {
 public:
  void start_with(DyingEngine& engine, const std::string& more = "") {
    const std::string one = upstream(engine.handler()), other = upstream(engine.handler());
    start(base_objects() + gateway::testing::pool("p", {one, other}) +
          ai_route("{name: p, kind: InferencePool, group: inference.networking.k8s.io}") +
          keys("{name: t, limit: 1000, unit: Year, cost: TotalTokens}", "[m, nick]") +
          kind_policy("ModelAliases", "{aliases: {nick: m}}") + books() + more);
  }
};

TEST_F(AiResume, AnAliasedStreamSurvivesTwoDeathsAndIsCountedOnce) {
  DyingEngine engine{.deaths = 2};
  start_with(engine);
  const Answer answer =
      ask("POST", "/v1/chat/completions", kKeyA,
          R"({"model":"nick","messages":[{"role":"user","content":"hi"}],"stream":true})");
  ASSERT_EQ(answer.code, 200) << answer.body;
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  std::string text;
  std::size_t at = 0;
  while ((at = answer.body.find("data: {", at)) != std::string::npos) {
    const std::size_t end = answer.body.find("\n\n", at);
    const json event = json::parse(answer.body.substr(at + 6, end - at - 6));
    EXPECT_EQ(event["model"], "nick") << "under the name that the client knows";
    for (const json& choice : event["choices"]) text += choice["delta"].value("content", "");
    EXPECT_FALSE(event.contains("usage")) << "nobody asked for it";
    at = end;
  }
  EXPECT_EQ(text, "hello");
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  EXPECT_THAT(answer.body, Not(HasSubstr(": t ")));
  EXPECT_FALSE(answer.headers.contains("x-nacelle-resume"));

  ASSERT_EQ(engine.bodies.size(), 3u);
  EXPECT_EQ(json::parse(engine.bodies[0])["model"], "m");
  EXPECT_FALSE(json::parse(engine.bodies[0]).contains("nacelle_resume"));
  EXPECT_EQ(json::parse(engine.bodies[1])["model"], "m") << "the body as the engine got it";
  EXPECT_EQ(json::parse(engine.bodies[1])["nacelle_resume"]["tokens"], json::array({100}));
  EXPECT_EQ(json::parse(engine.bodies[2])["nacelle_resume"]["tokens"], json::array({100, 101}));
  for (const net::http::RequestHead& head : engine.heads) {
    EXPECT_EQ(head.target, "/v1/chat/completions");
    EXPECT_FALSE(head.headers.contains("authorization")) << "the client's key stays here";
  }
  const json used = usage();
  ASSERT_EQ(used["data"].size(), 1u) << used;
  EXPECT_EQ(used["data"][0]["requests"], 1);
  EXPECT_EQ(used["data"][0]["input_tokens"], 7);
  EXPECT_EQ(used["data"][0]["output_tokens"], 3);
  EXPECT_THAT(admin("/metrics"), HasSubstr("streams_resumed_total{cluster=\"pool/default/p\"} 1"));
}

TEST_F(AiResume, AClientOfAnotherDialectSeesOneAnswer) {
  DyingEngine engine;
  start_with(engine);
  const Answer answer = ask(
      "POST", "/v1/messages", kKeyA,
      R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true})");
  ASSERT_EQ(answer.code, 200) << answer.body;
  ASSERT_EQ(engine.bodies.size(), 2u);
  EXPECT_EQ(json::parse(engine.bodies[1])["nacelle_resume"]["tokens"], json::array({100}));
  const auto count = [&](const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = answer.body.find(text); at != std::string::npos;
         at = answer.body.find(text, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("event: message_start\n"), 1u) << answer.body;
  EXPECT_EQ(count("event: content_block_start\n"), 1u) << answer.body;
  EXPECT_EQ(count("event: message_stop\n"), 1u) << answer.body;
  EXPECT_EQ(count(R"("text":"he")"), 1u) << answer.body;
  EXPECT_EQ(count(R"("text":"lo")"), 1u) << answer.body;
  EXPECT_EQ(count("lost"), 0u) << answer.body;
  EXPECT_EQ(usage()["totals"]["output_tokens"], 3);
}

TEST_F(AiResume, AStreamThatNobodyCanFinishSaysSoAndIsCountedOnce) {
  DyingEngine engine{.deaths = 1000};
  start_with(engine);
  const Answer answer =
      ask("POST", "/v1/messages", kKeyA,
          R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],)"
          R"("stream":true})");
  EXPECT_THAT(answer.body, HasSubstr("event: error\n"));
  EXPECT_THAT(answer.body, Not(HasSubstr("message_stop")));
  EXPECT_EQ(usage()["totals"]["requests"], 1);
}

TEST_F(AiResume, AKeyOfTheClientNeverReachesAnEngineThatTakesOver) {
  DyingEngine engine;
  const std::string one = upstream(engine.handler()), other = upstream(engine.handler());
  start(base_objects() + gateway::testing::pool("p", {one, other}) +
        gateway::testing::route("r",
                                "  - {backendRefs: [{group: inference.networking.k8s.io, kind: "
                                "InferencePool, name: p}]}") +
        keys() + books());
  const Answer answer =
      ask("POST", "/v1/chat/completions", kKeyA, R"({"model":"m","messages":[],"stream":true})");
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  ASSERT_EQ(engine.heads.size(), 2u);
  for (const net::http::RequestHead& head : engine.heads)
    EXPECT_FALSE(head.headers.contains("authorization"));
  EXPECT_EQ(usage()["totals"]["requests"], 1);
}

}  // namespace
}  // namespace nacelle::gateway::ai
