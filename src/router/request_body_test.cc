#include "router/request_body.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

TEST(RequestBody, ThePathNamesTheApi) {
  const struct {
    const char* path;
    Api api;
  } rows[] = {{"/v1/chat/completions", Api::kChat},
              {"/v1/chat/completions?x=messages", Api::kChat},
              {"/tenant/v1/completions", Api::kCompletions},
              {"/v1/xcompletions", Api::kOther},
              {"", Api::kCompletions},
              {"/v1/messages", Api::kMessages},
              {"/v1/messages/count_tokens", Api::kCountTokens},
              {"/v1/responses", Api::kResponses},
              {"/inference/v1/generate", Api::kGenerate},
              {"/v1/models", Api::kOther}};
  for (const auto& row : rows) EXPECT_EQ(api_of(row.path), row.api) << row.path;
}

TEST(RequestBody, ReadsWhatARouterNeeds) {
  RequestBodyReader reader;
  std::string body =
      R"({"model":"m\u0041","stream":true,"max_tokens":7,"max_completion_tokens":5,"cache_salt":"s",
          "messages": [{"role":"user","content":"hi"}] })";
  const auto read = reader.read("/v1/chat/completions", body);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->model, "mA");
  EXPECT_TRUE(read->stream);
  EXPECT_EQ(read->max_output_tokens, 5u);
  EXPECT_EQ(read->cache_salt, "s");
  EXPECT_EQ(read->prompt, R"([{"role":"user","content":"hi"}])");
}

TEST(RequestBody, BadOnesSayWhy) {
  const struct {
    const char* path;
    const char* body;
    const char* why;
  } rows[] = {
      {"/v1/completions", R"({"model":"m"})", "must have prompt field"},
      {"/v1/completions", R"({"model":"m","prompt":""})", "must have prompt field"},
      {"/v1/chat/completions", R"({"model":"m","messages":[ ]})", "at least one message"},
      {"/v1/embeddings", R"({"model":"m"})", "input"},
      {"/v1/completions", R"({"prompt":)", "error unmarshaling request bodyMap"},
      {"/v1/completions", R"([1])", "not a JSON object"},
      {"/v1/completions", "", "error unmarshaling request bodyMap"},
      {"/v1/completions", R"({"prompt":"a"}{"prompt":"b"})", "bytes follow"},
  };
  RequestBodyReader reader;
  for (const auto& row : rows) {
    std::string body = row.body;
    const auto read = reader.read(row.path, body);
    ASSERT_FALSE(read.ok()) << row.body;
    EXPECT_NE(read.error().message().find(row.why), std::string::npos)
        << row.body << ": " << read.error().message();
  }
}

TEST(RequestBody, AnotherModelIsWrittenAsUpstreamWritesIt) {
  const auto body = with_model(R"({"model":"a","prompt":"<hi> & bye","max_tokens":5})", "b");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body, R"({"max_tokens":5,"model":"b","prompt":"\u003chi\u003e \u0026 bye"})");
  EXPECT_FALSE(with_model("[1]", "b").ok());
}

}  // namespace
}  // namespace nacelle::router
