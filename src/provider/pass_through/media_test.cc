// media_test.cc: audio and images pass byte for byte; a form's model is read and replaced.
#include <gtest/gtest.h>

#include "provider/client_error.h"
#include "provider/translator.h"

namespace nacelle::provider {
namespace {

const std::string kForm =
    std::string("--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n") +
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRI" +
    std::string(1, '\0') + "FF\r\n--b--\r\n";

std::unique_ptr<Translator> made(Endpoint endpoint, std::string content_type = {},
                                 std::string override_model = {}) {
  Context context{.client_model = override_model.empty() ? "" : "alias",
                  .want_usage = true,
                  .content_type = std::move(content_type)};
  auto out = make_translator(endpoint, {.model_override = std::move(override_model)}, context);
  EXPECT_TRUE(out.ok());
  return std::move(*out);
}

struct Relayed {
  std::string out;
  ResponsePlan plan;
};

Relayed relay(Translator& translator, const UpstreamHead& head, std::string_view body) {
  Relayed result;
  result.plan = translator.response_head(head);
  for (std::size_t at = 0; at < body.size(); at += 3)
    EXPECT_TRUE(translator.chunk(body.substr(at, 3), result.out).ok());
  EXPECT_TRUE(translator.end(result.out).ok());
  return result;
}

TEST(Media, PathsAndModels) {
  struct Row {
    Endpoint endpoint;
    std::string content_type, body, path, sent;
  };
  std::string renamed = kForm;
  renamed.replace(renamed.find("whisper-1"), 9, "real");
  for (const Row& row : std::vector<Row>{
           {Endpoint::kImages, "application/json", R"({"model":"m","prompt":"a cat"})",
            "/v1/images/generations", R"({"model":"real","prompt":"a cat"})"},
           {Endpoint::kSpeech, "application/json", R"({"model":"m","input":"hi","voice":"v"})",
            "/v1/audio/speech", R"({"model":"real","input":"hi","voice":"v"})"},
           {Endpoint::kTranscription, "multipart/form-data; boundary=b", kForm,
            "/v1/audio/transcriptions", renamed},
           {Endpoint::kTranslation, "multipart/form-data; boundary=\"b\"", kForm,
            "/v1/audio/translations", renamed}}) {
    const auto same = made(row.endpoint, row.content_type)->request(row.body);
    ASSERT_TRUE(same.ok()) << same.status().to_string();
    EXPECT_EQ(same->body, row.body);
    EXPECT_EQ(same->path, row.path);
    const auto other = made(row.endpoint, row.content_type, "real")->request(row.body);
    ASSERT_TRUE(other.ok()) << row.path;
    EXPECT_EQ(other->body, row.sent);
    EXPECT_EQ(other->model, "real");
    EXPECT_EQ(other->headers.front(), (HeaderField{"content-type", row.content_type}));
  }
}

TEST(Media, WhatIsNoFormIsRefused) {
  for (const auto& [type, body] : std::vector<std::pair<std::string, std::string>>{
           {"application/json", R"({"model":"m"})"},
           {"multipart/form-data", kForm},
           {"multipart/form-data; boundary=c", kForm},
           {"multipart/form-data; boundary=b", kForm.substr(0, kForm.size() - 5)},
           {"multipart/form-data; boundary=b", kForm.substr(kForm.find("--b\r\n", 5))}}) {
    const auto refused = made(Endpoint::kTranscription, type)->request(body);
    ASSERT_FALSE(refused.ok()) << type;
    EXPECT_EQ(http_status(refused.status()), 400);
  }
  const auto azure = make_translator(Endpoint::kImages, {.schema = Schema::kAzureOpenAi}, {});
  ASSERT_FALSE(azure.ok());
  EXPECT_EQ(http_status(azure.status()), 422);
}

TEST(Media, AudioPassesUnreadAndUsageIsReadWhereItStands) {
  const std::string noise =
      std::string("\xff\xfb\0{\"usage\":{\"input_tokens\":1}}\n", 32) + "data: {";
  auto speech = made(Endpoint::kSpeech, "", "real");
  ASSERT_TRUE(speech->request(R"({"model":"m"})").ok());
  const Relayed audio = relay(*speech, {.status = 200, .content_type = "audio/mpeg"}, noise);
  EXPECT_EQ(audio.out, noise);
  EXPECT_FALSE(audio.plan.rewritten);
  EXPECT_FALSE(speech->usage().reported);

  const std::string events =
      "data: {\"type\":\"speech.audio.delta\",\"audio\":\"QUJD\"}\n\n"
      "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,"
      "\"total_tokens\":115}}\n\n";
  speech = made(Endpoint::kSpeech, "", "real");
  ASSERT_TRUE(speech->request(R"({"model":"m","stream_format":"sse"})").ok());
  const Relayed streamed =
      relay(*speech, {.status = 200, .content_type = "text/event-stream"}, events);
  EXPECT_EQ(streamed.out, events);
  EXPECT_EQ(streamed.plan.delivery, Delivery::kStreamed);
  EXPECT_EQ(speech->usage().input, 14u);
  EXPECT_EQ(speech->usage().output, 101u);

  const std::string text =
      R"({"text":"hi","usage":{"type":"tokens","input_tokens":7,"output_tokens":2}})";
  auto transcription = made(Endpoint::kTranscription, "multipart/form-data; boundary=b", "real");
  ASSERT_TRUE(transcription->request(kForm).ok());
  EXPECT_EQ(relay(*transcription, {.status = 200, .content_type = "application/json"}, text).out,
            text);
  EXPECT_EQ(transcription->usage().total(), 9u);

  auto image = made(Endpoint::kImages);
  ASSERT_TRUE(image->request(R"({"model":"m","prompt":"p"})").ok());
  const std::string picture = R"({"created":1,"data":[{"b64_json":")" + std::string(300000, 'A') +
                              R"("}],"usage":{"input_tokens":50,"output_tokens":4160}})";
  EXPECT_EQ(relay(*image, {.status = 200, .content_type = "application/json"}, picture).out,
            picture);
  EXPECT_EQ(image->usage().output, 4160u);
}

TEST(Media, AnErrorIsAnErrorOfTheClientsDialect) {
  auto speech = made(Endpoint::kSpeech);
  ASSERT_TRUE(speech->request(R"({"model":"m"})").ok());
  EXPECT_EQ(relay(*speech, {.status = 500, .content_type = "text/html"}, "<p>no</p>").out,
            R"({"type":"error","error":{"type":"OpenAIBackendError","code":"500",)"
            R"("message":"<p>no</p>"}})");
}

}  // namespace
}  // namespace nacelle::provider
