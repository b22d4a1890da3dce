// provider_endpoints_test.cc: what is neither chat nor messages, from socket to socket: counts of
// tokens, embeddings, images and audio, with keys, books and metrics.
#include <gtest/gtest.h>

#include "gateway/ai/testing/ai_fixture.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words

class ProviderEndpoints : public AiFixture {
 public:
  // A rule for model m at a backend of AWS or of Google.
  static std::string cloud(const std::string& schema, const std::string& address,
                           const std::string& model) {
    return provider("b", schema, address) +
           ai_route("{name: b, modelNameOverride: " + json(model).dump() + "}");
  }
};

const std::string kForm =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n"
    "--b--\r\n";

TEST_F(ProviderEndpoints, CountsAndEmbeddingsReachTheClouds) {
  struct Row {
    const char *endpoint, *schema, *model, *path, *answer, *expected, *question;
  };
  const char* messages = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  const char* input = R"({"model":"m","input":"hi"})";
  Provider provider;
  const std::string address = upstream(provider.handler());
  for (const Row& row : std::vector<Row>{
           {"/anthropic/v1/messages/count_tokens", "AWSAnthropic", "anthropic.c",
            "/model/anthropic.c/count-tokens", R"({"inputTokens":5})", R"({"input_tokens":5})",
            messages},
           {"/v1/messages/count_tokens", "GCPAnthropic", "claude",
            "/v1/projects/p1/locations/r1/publishers/anthropic/models/count-tokens:rawPredict",
            R"({"input_tokens":5})", R"({"input_tokens":5})", messages},
           {"/tokenize", "AWSBedrock", "nova", "/model/nova/count-tokens", R"({"inputTokens":5})",
            R"({"count":5})", messages},
           {"/tokenize", "GCPVertexAI", "gemini",
            "/v1/projects/p1/locations/r1/publishers/google/models/gemini:countTokens",
            R"({"totalTokens":5})", R"({"count":5})", messages},
           {"/v1/embeddings", "AWSBedrock", "titan", "/model/titan/invoke",
            R"({"embedding":[1,2],"inputTextTokenCount":4})",
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2]}],)"
            R"("model":"m","usage":{"prompt_tokens":4,"total_tokens":4}})",
            input},
           {"/v1/embeddings", "GCPVertexAI", "text-embedding-005",
            "/v1/projects/p1/locations/r1/publishers/google/models/text-embedding-005:predict",
            R"({"predictions":[{"embeddings":{"values":[1,2],"statistics":{"token_count":3}}}]})",
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2]}],)"
            R"("model":"m","usage":{"prompt_tokens":3,"total_tokens":3}})",
            input}}) {
    SCOPED_TRACE(std::string(row.endpoint) + " to " + row.schema);
    provider.body = row.answer;
    const std::string objects = base_objects() + cloud(row.schema, address, row.model) + books();
    if (!gateway_) {
      start(objects);
    } else {
      ASSERT_TRUE(apply(objects).ok());
    }
    const HeaderList headers = {{"content-type", "application/json"},
                                {"x-aigw-gcp-access-token", "ya29.token"}};
    const Answer answer = ask("POST", row.endpoint, headers, row.question);
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(answer.body, row.expected);
    EXPECT_EQ(provider.heads.back().target, row.path);
    EXPECT_FALSE(provider.heads.back().headers.get("authorization").empty());

    provider.body = "{}";
    EXPECT_EQ(ask("POST", row.endpoint, headers, row.question).code, 502) << "an empty answer";
  }
  EXPECT_EQ(usage()["totals"]["input_tokens"], 7) << "counting costs nothing, embedding does";
}

TEST_F(ProviderEndpoints, AFormIsRoutedByItsModelAndItsBytesPass) {
  Provider openai{.body = R"({"text":"hi","usage":{"type":"tokens","input_tokens":7,)"
                          R"("output_tokens":2}})"};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a, modelNameOverride: whisper-1}") + keys() + books());
  HeaderList headers = {{"authorization", "Bearer key-a"},
                        {"content-type", "multipart/form-data; boundary=b"}};
  const Answer answer = ask("POST", "/v1/audio/transcriptions", headers, kForm);
  ASSERT_EQ(answer.code, 200) << answer.body;
  EXPECT_EQ(answer.body, openai.body);
  EXPECT_EQ(openai.heads[0].target, "/v1/audio/transcriptions");
  EXPECT_EQ(openai.heads[0].headers.get("content-type"), "multipart/form-data; boundary=b");
  std::string sent = kForm;
  sent.replace(sent.find("\r\n\r\nm\r\n") + 4, 1, "whisper-1");
  EXPECT_EQ(openai.bodies[0], sent);
  EXPECT_EQ(usage()["totals"]["input_tokens"], 7);
  EXPECT_NE(admin("/metrics").find("gen_ai_operation_name=\"transcription\""), std::string::npos);

  // Who may not ask for the model, or sends no form, learns so before the provider does.
  std::string other = kForm;
  other.replace(other.find("\r\n\r\nm\r\n") + 4, 1, "other");
  EXPECT_EQ(ask("POST", "/v1/audio/transcriptions", headers, other).code, 404);
  EXPECT_EQ(ask("POST", "/v1/audio/transcriptions", headers, kForm.substr(0, 60)).code, 400);
  headers[1].second = "multipart/form-data";
  EXPECT_EQ(ask("POST", "/v1/audio/transcriptions", headers, kForm).code, 400);
  EXPECT_EQ(ask("POST", "/v1/audio/speech", {}, R"({"model":"m","input":"x"})").code, 401);
  EXPECT_EQ(openai.heads.size(), 1u);
}

TEST_F(ProviderEndpoints, SpeechIsNeitherReadNorHeld) {
  Provider openai{.type = "audio/mpeg", .body = std::string("\xff\xfb\0{\"usage\"", 12)};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a, modelNameOverride: tts-1}") + books());
  const Answer answer =
      ask("POST", "/v1/audio/speech", {}, R"({"model":"m","input":"hi","voice":"alloy"})");
  ASSERT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, openai.body);
  EXPECT_EQ(answer.headers.get("content-type"), "audio/mpeg");
  EXPECT_EQ(json::parse(openai.bodies[0])["model"], "tts-1");
  EXPECT_EQ(usage()["totals"]["requests"], 1);
}

}  // namespace
}  // namespace nacelle::gateway::ai
