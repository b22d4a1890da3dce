#include "openai/error.h"

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

TEST(Error, BodiesAreExact) {
  EXPECT_EQ(to_json(body_error("a \"b\"", "n")),
            R"({"error":{"message":"a \"b\"","type":"Bad Request","param":"n","code":400}})");
  EXPECT_EQ(to_json(value_error("x")),
            R"({"error":{"message":"x","type":"BadRequestError","param":null,"code":400}})");
  EXPECT_EQ(
      to_json(typed_value_error("top_p must be in (0, 1], got 2.0.", "top_p", "2.0")),
      R"j({"error":{"message":"top_p must be in (0, 1], got 2.0. (parameter=top_p, value=2.0)",)j"
      R"("type":"BadRequestError","param":"top_p","code":400}})");
  EXPECT_EQ(to_json(model_not_found("gpt-9")),
            R"({"error":{"message":"The model `gpt-9` does not exist.","type":"NotFoundError",)"
            R"("param":"model","code":404}})");
  EXPECT_EQ(to_json(http_error(405)),
            R"({"error":{"message":"Method Not Allowed","type":"Method Not Allowed",)"
            R"("param":null,"code":405}})");
}

TEST(Error, StatusCodesMapToHttp) {
  const std::tuple<Code, int, const char*> rows[] = {
      {Code::kInvalidArgument, 400, "BadRequestError"},
      {Code::kOutOfRange, 400, "BadRequestError"},
      {Code::kNotFound, 404, "NotFoundError"},
      {Code::kUnimplemented, 501, "NotImplementedError"},
      {Code::kResourceExhausted, 503, "ServiceUnavailableError"},
      {Code::kUnavailable, 503, "ServiceUnavailableError"},
      {Code::kCancelled, 503, "ServiceUnavailableError"},
      {Code::kDeadlineExceeded, 504, "GatewayTimeoutError"},
      {Code::kInternal, 500, "InternalServerError"},
      {Code::kDataLoss, 500, "InternalServerError"},
  };
  for (const auto& [code, status, type] : rows) {
    const Error error = from_status(Status(code, "why"));
    EXPECT_EQ(error.status, status);
    EXPECT_EQ(error.type, type);
    EXPECT_EQ(error.message, "why");
  }
}

TEST(Error, ExcerptsEndOnCharacterBorders) {
  EXPECT_EQ(excerpt("short"), "short");
  EXPECT_EQ(excerpt("aa\u20acbb", 4), "aa...");
  EXPECT_EQ(excerpt("aa\u20acbb", 5), "aa\u20ac...");
}

}  // namespace
}  // namespace nacelle::openai
