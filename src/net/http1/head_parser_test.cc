#include "net/http1/head_parser.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "net/testing/http1_rows.h"

namespace nacelle::net::http1 {
namespace {

using testing::head_rows;
using testing::HeadRow;

struct Parsed {
  ParseOutcome outcome;
  http::RequestHead head;
  BodyFraming body;
  bool keep_alive = false;
  bool expect_continue = false;
};

Parsed parse(std::string_view bytes, const HeadLimits& limits = {}) {
  Parsed out;
  ParsedRequest request;
  request.head = &out.head;
  ScanState scan;
  out.outcome = parse_request_head(bytes, limits, scan, request);
  out.body = request.body;
  out.keep_alive = request.keep_alive;
  out.expect_continue = request.expect_continue;
  return out;
}

// Feeds one byte more at a time, as from a slow client, and stops at the first decision.
Parsed parse_bytewise(std::string_view bytes, const HeadLimits& limits = {}) {
  Parsed out;
  ParsedRequest request;
  request.head = &out.head;
  ScanState scan;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    out.outcome = parse_request_head(bytes.substr(0, size), limits, scan, request);
    if (out.outcome.state != ParseState::kNeedMore) break;
  }
  out.body = request.body;
  out.keep_alive = request.keep_alive;
  out.expect_continue = request.expect_continue;
  return out;
}

std::string describe(const Parsed& parsed) {
  if (parsed.outcome.state == ParseState::kNeedMore) return "need more";
  if (parsed.outcome.state == ParseState::kError) {
    return std::to_string(parsed.outcome.status) + " " + std::string(parsed.outcome.reason);
  }
  std::string text = parsed.head.method + " " + parsed.head.target +
                     " body=" + std::to_string(static_cast<int>(parsed.body.kind)) + ":" +
                     std::to_string(parsed.body.length) + (parsed.keep_alive ? " keep" : " close") +
                     (parsed.expect_continue ? " expect" : "");
  for (const auto& field : parsed.head.headers) {
    text += "\n" + std::string(field.name) + "=" + std::string(field.value);
  }
  return text + "\nconsumed " + std::to_string(parsed.outcome.consumed);
}

TEST(RequestHead, ReadsAnOrdinaryRequest) {
  const std::string text =
      "POST /v1/chat/completions?a=1&b=2 HTTP/1.1\r\nHost: api:8000\r\nContent-Length: 12\r\n"
      "X-Empty:\r\nx-padded: \t v \t\r\nConnection: keep-alive\r\n\r\nrest";
  const Parsed parsed = parse(text);
  ASSERT_EQ(parsed.outcome.state, ParseState::kDone) << parsed.outcome.reason;
  EXPECT_EQ(parsed.outcome.consumed, text.size() - 4);
  EXPECT_EQ(parsed.head.method, "POST");
  EXPECT_EQ(parsed.head.path(), "/v1/chat/completions");
  EXPECT_EQ(parsed.head.query(), "a=1&b=2");
  EXPECT_EQ(parsed.head.host(), "api:8000");
  EXPECT_EQ(parsed.head.headers.get("X-EMPTY", "none"), "");
  EXPECT_EQ(parsed.head.headers.get("X-Padded"), "v");
  EXPECT_EQ(parsed.body.kind, BodyKind::kLength);
  EXPECT_EQ(parsed.body.length, 12u);
  EXPECT_TRUE(parsed.keep_alive);
}

std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

TEST(RequestHead, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const HeadRow& row : head_rows()) {
    SCOPED_TRACE(row.name);
    const Parsed parsed = parse(row.text);
    if (row.status == HeadRow::kAccepted) {
      EXPECT_EQ(parsed.outcome.state, ParseState::kDone) << parsed.outcome.reason;
    } else {
      EXPECT_EQ(parsed.outcome.state, ParseState::kError);
      EXPECT_EQ(parsed.outcome.status, row.status) << parsed.outcome.reason;
      EXPECT_FALSE(parsed.outcome.reason.empty());
    }
  }
}

TEST(RequestHead, ByteByByteGivesTheSameAsWhole) {
  for (const HeadRow& row : head_rows()) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(describe(parse_bytewise(row.text)), describe(parse(row.text)));
  }
}

TEST(RequestHead, EveryPrefixOfAGoodHeadNeedsMore) {
  const std::string text = with_fields("Content-Length: 4\r\nA: b\r\n");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parse(text.substr(0, size)).outcome.state, ParseState::kNeedMore) << size;
  }
}

TEST(RequestHead, AbsoluteFormWinsOverHost) {
  const Parsed parsed = parse("GET http://y:1?q HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n");
  EXPECT_EQ(parsed.head.target, "/?q");
  EXPECT_EQ(parsed.head.host(), "y:1");
  EXPECT_EQ(parsed.head.headers.count("host"), 1u);
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnection) {
  struct {
    const char* version;
    const char* connection;
    bool keep;
  } const table[] = {{"1.1", "x", true},          {"1.1", "close", false},
                     {"1.1", "x, CLOSE", false},  {"1.0", "x", false},
                     {"1.0", "Keep-Alive", true}, {"1.0", "keep-alive, close", false}};
  for (const auto& row : table) {
    const Parsed parsed = parse("GET / HTTP/" + std::string(row.version) +
                                "\r\nHost: x\r\nConnection: " + row.connection + "\r\n\r\n");
    EXPECT_EQ(parsed.keep_alive, row.keep) << row.version << " " << row.connection;
  }
}

TEST(RequestHead, Http10CanBeRefused) {
  HeadLimits limits;
  limits.allow_http10 = false;
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n", limits).outcome.status, 426);
}

TEST(RequestHead, CorpusFilesThatNameARefusalAreRefused) {
  const std::filesystem::path folder =
      std::filesystem::path(NACELLE_TESTDATA) / "net" / "smuggling";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto text = read_file(entry.path());
    ASSERT_TRUE(text.ok());
    const std::string name = entry.path().filename().string();
    SCOPED_TRACE(name);
    EXPECT_EQ(std::to_string(parse(*text).outcome.status), name.substr(0, name.find('-')));
    ++count;
  }
  EXPECT_GT(count, 10u);
}

ParseOutcome parse_response(std::string_view bytes, std::string_view method, ParsedResponse& out) {
  ScanState scan;
  return parse_response_head(bytes, method, HeadLimits{}, scan, out);
}

TEST(ResponseHead, FramesTheBody) {
  struct {
    const char* name;
    const char* method;
    const char* text;
    ParseState state;
    BodyKind kind;
    bool keep;
  } const table[] = {
      {"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", ParseState::kDone,
       BodyKind::kLength, true},
      {"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ParseState::kDone,
       BodyKind::kNone, true},
      {"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ParseState::kDone,
       BodyKind::kChunked, true},
      {"until close", "GET", "HTTP/1.1 200 OK\r\n\r\n", ParseState::kDone, BodyKind::kUntilClose,
       false},
      {"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", ParseState::kDone,
       BodyKind::kNone, true},
      {"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", ParseState::kDone, BodyKind::kNone,
       true},
      {"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
       ParseState::kDone, BodyKind::kNone, true},
      {"close", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
       ParseState::kDone, BodyKind::kLength, false},
      {"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", ParseState::kDone,
       BodyKind::kLength, false},
      {"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ParseState::kDone,
       BodyKind::kNone, true},
      {"empty reason", "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", ParseState::kDone,
       BodyKind::kNone, true},
      {"both framings", "GET",
       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       ParseState::kError, BodyKind::kNone, true},
      {"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
       ParseState::kError, BodyKind::kNone, true},
      {"gzip", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ParseState::kError,
       BodyKind::kNone, true},
      {"two digits", "GET", "HTTP/1.1 20 OK\r\n\r\n", ParseState::kError, BodyKind::kNone, true},
      {"four digits", "GET", "HTTP/1.1 2000 OK\r\n\r\n", ParseState::kError, BodyKind::kNone, true},
      {"HTTP/2", "GET", "HTTP/2.0 200 OK\r\n\r\n", ParseState::kError, BodyKind::kNone, true},
      {"bare LF", "GET", "HTTP/1.1 200 OK\nA: b\r\n\r\n", ParseState::kError, BodyKind::kNone,
       true},
      {"garbage", "GET", "hello", ParseState::kError, BodyKind::kNone, true},
      {"prefix", "GET", "HTTP/1.1 200 OK\r\nA: b\r\n", ParseState::kNeedMore, BodyKind::kNone,
       true},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.name);
    http::ResponseHead head;
    ParsedResponse parsed;
    parsed.head = &head;
    const ParseOutcome outcome = parse_response(row.text, row.method, parsed);
    ASSERT_EQ(outcome.state, row.state) << outcome.reason;
    if (row.state != ParseState::kDone) continue;
    EXPECT_EQ(parsed.body.kind, row.kind);
    EXPECT_EQ(parsed.keep_alive, row.keep);
  }
}

}  // namespace
}  // namespace nacelle::net::http1
