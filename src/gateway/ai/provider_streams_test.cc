// provider_streams_test.cc: streams of Azure, Bedrock, Vertex and their Anthropic models through a
// gateway, from socket to socket: the request that the provider gets, and the golden that the
// client gets of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <sstream>

#include "base/base64.h"
#include "gateway/ai/testing/ai_fixture.h"
#include "provider/aws/event_stream.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A provider that streams, a few bytes at a time.
struct StreamingProvider {
  std::string type, bytes;
  net::http::RequestHead head;
  std::string body;

  static Task<void> serve(StreamingProvider* self, ServerExchange* exchange) {
    self->head = exchange->request();
    auto body = co_await exchange->read_body(1 << 20);
    self->body = body ? *body : "";
    ResponseHead head;
    head.headers.add("content-type", self->type);
    head.headers.add("x-amzn-requestid", "amzn-1");
    (void)co_await exchange->start(head);
    const std::string_view all = self->bytes;
    for (std::size_t at = 0; at < all.size(); at += 100)
      (void)co_await exchange->write(all.substr(at, 100));
    (void)co_await exchange->finish();
  }
  net::http::Handler handler() {
    return [this](ServerExchange& exchange) { return serve(this, &exchange); };
  }
};

// As src/provider/translator_golden_test.cc reads the files of AWS: "<event type> <payload>".
std::string aws_events(const std::string& text, bool wrapped) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    std::string type = line.substr(0, space), payload = line.substr(space + 1);
    if (wrapped) payload = json{{"bytes", encode_base64(payload)}}.dump();
    if (wrapped) type = "chunk";
    out += provider::aws::encode_message(
        {{":event-type", type}, {":content-type", "application/json"}, {":message-type", "event"}},
        payload);
  }
  return out;
}

// The events without what differs from run to run: names, times, models.
std::vector<std::string> events_of(std::string text) {
  if (const std::size_t end = text.find("\nusage: "); end != std::string::npos)
    text.resize(end + 1);
  std::vector<std::string> out;
  json none = json::array();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("data: {")) {
      if (!line.empty()) out.push_back(line);
      continue;
    }
    json event = json::parse(line.substr(6));
    for (const char* name : {"id", "created", "model"}) event.erase(name);
    if (event.contains("message")) {
      event["message"].erase("id");
      event["message"].erase("model");
    }
    for (json& choice : event.contains("choices") ? event["choices"] : none) {
      if (!choice.contains("delta") || !choice["delta"].contains("tool_calls")) continue;
      for (json& call : choice["delta"]["tool_calls"]) call.erase("id");
    }
    if (event.contains("content_block")) event["content_block"].erase("id");
    out.push_back(event.dump());
  }
  return out;
}

struct Row {
  const char* folder;
  const char* schema;
  const char* path;  // that the provider is asked for
};

class ProviderStreams : public AiFixture {
 public:
  static std::string backend(const Row& row, const json& settings, const std::string& address) {
    return provider("b", row.schema, address,
                    settings.contains("version") ? settings["version"].dump() : "");
  }

  std::deque<StreamingProvider> providers_;  // outlive their handlers
};

TEST_F(ProviderStreams, EachPairOfTheMatrixStreamsAsItsGolden) {
  for (const Row& row : std::vector<Row>{
           {"chat_to_azure", "AzureOpenAI",
            "/openai/deployments/gpt%204%2Fo/chat/completions?api-version=2025-01-01-preview"},
           {"chat_to_bedrock", "AWSBedrock",
            "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"},
           {"chat_to_aws_anthropic", "AWSAnthropic", "/invoke-with-response-stream"},
           {"chat_to_gemini", "GCPVertexAI",
            "/v1/projects/p1/locations/r1/publishers/google/models/"
            "gemini-2.5-pro:streamGenerateContent?alt=sse"},
           {"chat_to_gcp_anthropic", "GCPAnthropic",
            "/v1/projects/p1/locations/r1/publishers/anthropic/models/"
            "claude-opus-4-1%4020250805:streamRawPredict"},
           {"messages_to_bedrock", "AWSBedrock", "/converse-stream"},
           {"messages_to_aws_anthropic", "AWSAnthropic", "/invoke-with-response-stream"},
           {"messages_to_gemini", "GCPVertexAI", ":streamGenerateContent?alt=sse"},
           {"messages_to_gcp_anthropic", "GCPAnthropic", ":streamRawPredict"}}) {
    SCOPED_TRACE(row.folder);
    const std::string folder = row.folder;
    const json settings = json::parse(testdata(folder + "/case.json"));
    const bool aws = std::string_view(row.schema).starts_with("AWS");
    StreamingProvider& provider = providers_.emplace_back();
    provider.bytes = testdata(folder + "/stream.txt");
    provider.type = "text/event-stream";
    if (aws) {
      provider.bytes = aws_events(provider.bytes, std::string_view(row.schema) == "AWSAnthropic");
      provider.type = "application/vnd.amazon.eventstream";
    }
    const std::string model = json(settings.value("model_override", "real")).dump();
    const std::string objects = base_objects() +
                                backend(row, settings, upstream(provider.handler())) +
                                ai_route("{name: b, modelNameOverride: " + model + "}");
    if (!gateway_) {
      start(objects);
    } else {
      const Status applied = apply(objects);
      ASSERT_TRUE(applied.ok()) << applied.message();
    }
    json question = json::parse(testdata(folder + "/request.json"));
    question["model"] = "m";
    question["stream"] = true;
    const std::string endpoint = settings["endpoint"];
    HeaderList headers = {{"content-type", "application/json"},
                          {"authorization", "Bearer of-the-client"},
                          {"x-aigw-gcp-access-token", "ya29.token"}};
    const Answer answer = ask("POST", endpoint, headers, question.dump());
    EXPECT_EQ(answer.code, 200) << answer.body;
    EXPECT_TRUE(answer.status.ok()) << answer.status.message();
    EXPECT_THAT(std::string(answer.headers.get("content-type")), StartsWith("text/event-stream"));
    EXPECT_EQ(events_of(answer.body), events_of(testdata(folder + "/stream.golden")));

    EXPECT_THAT(provider.head.target, HasSubstr(row.path));
    const auto& sent = provider.head.headers;
    EXPECT_FALSE(sent.contains("x-aigw-gcp-access-token"));
    const std::string authorization(sent.get("authorization"));
    if (std::string_view(row.schema) == "AzureOpenAI") {
      EXPECT_EQ(sent.get("api-key"), "sk-provider");
      EXPECT_EQ(authorization, "");
    } else if (aws) {
      EXPECT_THAT(authorization, StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    } else {
      EXPECT_EQ(authorization, "Bearer ya29.token");
    }
  }
}

// A provider's stream that breaks off in mid-event is an error of the client's dialect.
TEST_F(ProviderStreams, AStreamThatIsCutEndsWithAnErrorEvent) {
  const Row row{"chat_to_bedrock", "AWSBedrock", ""};
  StreamingProvider& provider = providers_.emplace_back();
  const std::string whole = aws_events(testdata("chat_to_bedrock/stream.txt"), false);
  provider.type = "application/vnd.amazon.eventstream";
  start(base_objects() + backend(row, json::object(), upstream(provider.handler())) +
        ai_route("{name: b}"));
  for (const std::size_t size : {whole.size() / 2, whole.size() - 1}) {
    provider.bytes = whole.substr(0, size);
    const Answer answer =
        ask("POST", "/v1/chat/completions", {},
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})");
    EXPECT_THAT(answer.body, HasSubstr("data: {\"error\"")) << size;
  }
  provider.bytes = whole;
  provider.bytes[whole.size() / 2] ^= 1;  // a checksum fails
  EXPECT_THAT(ask("POST", "/v1/chat/completions", {},
                  R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})")
                  .body,
              HasSubstr("data: {\"error\""));
}

}  // namespace
}  // namespace nacelle::gateway::ai
