#include "gateway/request_inspector.h"

#include <gtest/gtest.h>

namespace nacelle::gateway {
namespace {

TEST(RequestInspector, FindsModelPromptAndStream) {
  RequestInspector inspector;
  std::string chat =
      R"({"temperature":0,"messages":[{"role":"user","content":"h\"i"}],"model":"de\u006do","stream":true,"cache_salt":"s"})";
  const RequestFacts facts = inspector.inspect(chat);
  EXPECT_EQ(facts.model, "demo");
  EXPECT_EQ(facts.cache_salt, "s");
  EXPECT_TRUE(facts.stream);
  EXPECT_EQ(facts.prompt.substr(0, 40), R"([{"role":"user","content":"h\"i"}])");

  std::string completion = R"({"model":"m","prompt":"once"})";
  EXPECT_EQ(inspector.inspect(completion).prompt, R"("once")");
}

TEST(RequestInspector, OtherApisNameTheirPromptAndTheirCap) {
  RequestInspector inspector;
  const struct {
    const char* body;
    const char* prompt;
    std::uint64_t cap;
  } rows[] = {
      {R"({"prompt":"a","max_tokens":5})", R"("a")", 5},
      {R"({"max_tokens":5,"max_completion_tokens":7,"messages":[1]})", "[1]", 7},
      {R"({"max_completion_tokens":7,"max_tokens":5,"messages":[1]})", "[1]", 7},
      {R"({"input":"b","prompt":{"id":"x"},"max_output_tokens":9})", R"("b")", 9},
      {R"({"token_ids":[1,2],"max_tokens":-1})", "[1,2]", 0},
      {R"({"max_tokens":1.5,"prompt":"c"})", R"("c")", 0},
      {R"({"max_tokens":null,"prompt":"c"})", R"("c")", 0},
  };
  for (const auto& row : rows) {
    std::string body = row.body;
    const RequestFacts facts = inspector.inspect(body);
    EXPECT_EQ(facts.prompt, row.prompt) << row.body;
    EXPECT_EQ(facts.max_output_tokens, row.cap) << row.body;
  }
}

TEST(RequestInspector, LeavesMalformedBodiesToTheEngine) {
  RequestInspector inspector;
  for (const char* text : {"", "{", "[]", "7", "null", R"({"model":7,"messages":"x","stream":"y"})",
                           R"({"model":"m","messages":[)", "\xFF\xFE", R"({"model")"}) {
    std::string body = text;
    const RequestFacts facts = inspector.inspect(body);
    EXPECT_FALSE(facts.stream) << text;
    EXPECT_EQ(body, text);
  }
}

TEST(RequestInspector, AFormNamesItsModelInAField) {
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n"
      "--b\r\nContent-Disposition: form-data; name=stream\r\n\r\ntrue\r\n--b--\r\n";
  const RequestFacts facts = form_facts("multipart/form-data; boundary=b", body);
  EXPECT_EQ(facts.model, "m");
  EXPECT_TRUE(facts.stream);
  EXPECT_EQ(form_facts("multipart/form-data; boundary=c", body).model, "");
  EXPECT_EQ(form_facts("application/json", body).model, "");
}

TEST(RequestInspector, TheLongestPromptIsNotCopied) {
  RequestInspector inspector;
  std::string body = R"({"model":"m","prompt":")" + std::string(1 << 20, 'a') + R"("})";
  const RequestFacts facts = inspector.inspect(body);
  EXPECT_EQ(facts.prompt.size(), (1u << 20) + 2);
  EXPECT_GE(facts.prompt.data(), body.data());
  EXPECT_LT(facts.prompt.data(), body.data() + body.size());
}

}  // namespace
}  // namespace nacelle::gateway
