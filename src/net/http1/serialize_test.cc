#include "net/http1/serialize.h"

#include <gtest/gtest.h>

namespace nacelle::net::http1 {
namespace {

TEST(SerializeResponse, WritesItsOwnFramingInsteadOfTheHeads) {
  http::ResponseHead head;
  head.headers.add("Content-Type", "text/plain");
  head.headers.add("Content-Length", "999");
  head.headers.add("Transfer-Encoding", "gzip");
  head.headers.add("Connection", "upgrade");
  head.headers.add("Keep-Alive", "timeout=5");
  std::string out;
  ResponseFraming framing;
  framing.body = {BodyKind::kLength, 5};
  framing.close = true;
  framing.date = "D";
  ASSERT_TRUE(append_response_head(out, head, framing).ok());
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ndate: D\r\ncontent-length: 5\r\n"
            "connection: close\r\n\r\n");
}

TEST(SerializeRequest, AddsHostAndLength) {
  http::RequestHead head;
  head.method = "POST";
  head.target = "/v1?x=y";
  head.headers.add("A", "b");
  head.headers.add("Empty", "");
  std::string out;
  ASSERT_TRUE(append_request_head(out, head, "h:1", 3).ok());
  EXPECT_EQ(out,
            "POST /v1?x=y HTTP/1.1\r\nhost: h:1\r\nA: b\r\nEmpty: \r\ncontent-length: 3\r\n\r\n");
}

TEST(Serialize, RefusesWhatWouldForgeAMessage) {
  std::string out;
  for (const char* value : {"a\r\nb: c", "a\nb", "a\rb", "a\x01", "\x7f"}) {
    http::ResponseHead response;
    response.headers.add("x", value);
    EXPECT_EQ(append_response_head(out, response, {}).code(), Code::kInvalidArgument);
  }
  http::ResponseHead response;
  response.headers.set("bad name", "v");
  EXPECT_EQ(append_response_head(out, response, {}).code(), Code::kInvalidArgument);
  http::ResponseHead reason;
  reason.reason = "OK\r\nx: y";
  EXPECT_EQ(append_response_head(out, reason, {}).code(), Code::kInvalidArgument);
  http::RequestHead target;
  target.target = "/a b";
  EXPECT_EQ(append_request_head(out, target, "h", 0).code(), Code::kInvalidArgument);
  http::RequestHead method;
  method.method = "GET /x";
  EXPECT_EQ(append_request_head(out, method, "h", 0).code(), Code::kInvalidArgument);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace nacelle::net::http1
