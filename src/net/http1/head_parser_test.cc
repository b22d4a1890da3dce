#include "net/http1/head_parser.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"

namespace nacelle::net::http1 {
namespace {

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

constexpr int kAccepted = 0;

struct Row {
  const char* name;
  std::string text;
  int status;  // kAccepted or the refusal
};

std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::vector<Row> rows() {
  using std::string_literals::operator""s;
  return {
      // Framing that two parsers could read differently.
      {"content-length and chunked",
       with_fields("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked and content-length",
       with_fields("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), 400},
      {"differing content-lengths", with_fields("Content-Length: 4\r\nContent-Length: 5\r\n"), 400},
      {"equal content-lengths", with_fields("Content-Length: 4\r\nContent-Length: 4\r\n"), 400},
      {"content-length list", with_fields("Content-Length: 4, 4\r\n"), 400},
      {"negative content-length", with_fields("Content-Length: -1\r\n"), 400},
      {"signed content-length", with_fields("Content-Length: +4\r\n"), 400},
      {"hexadecimal content-length", with_fields("Content-Length: 0x4\r\n"), 400},
      {"empty content-length", with_fields("Content-Length:\r\n"), 400},
      {"content-length with inner space", with_fields("Content-Length: 1 2\r\n"), 400},
      {"content-length that overflows", with_fields("Content-Length: 18446744073709551617\r\n"),
       400},
      {"content-length with outer space", with_fields("Content-Length:   4 \r\n"), kAccepted},
      {"zero-padded content-length", with_fields("Content-Length: 0004\r\n"), kAccepted},
      {"chunked", with_fields("Transfer-Encoding: chunked\r\n"), kAccepted},
      {"chunked in capitals", with_fields("TRANSFER-ENCODING: CHUNKED\r\n"), kAccepted},
      {"gzip then chunked", with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"chunked then gzip", with_fields("Transfer-Encoding: chunked, gzip\r\n"), 501},
      {"chunked twice in a list", with_fields("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"chunked in two fields",
       with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"identity then chunked fields",
       with_fields("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"unknown coding", with_fields("Transfer-Encoding: xchunked\r\n"), 501},
      {"identity coding", with_fields("Transfer-Encoding: identity\r\n"), 501},
      {"empty coding", with_fields("Transfer-Encoding:\r\n"), 501},
      {"chunked with vertical tab", with_fields("Transfer-Encoding: \vchunked\r\n"), 400},
      {"chunked with quotes", with_fields("Transfer-Encoding: \"chunked\"\r\n"), 501},
      {"chunked with parameter", with_fields("Transfer-Encoding: chunked;q=1\r\n"), 501},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"space before the colon", with_fields("Transfer-Encoding : chunked\r\n"), 400},
      {"tab before the colon", with_fields("Content-Length\t: 4\r\n"), 400},
      {"folded header", with_fields("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {"folded first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      // Bytes outside the grammar.
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"bare LF between headers", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
      {"bare CR in a value", with_fields("A: b\rc\r\n"), 400},
      {"bare CR in a name", with_fields("A\rb: c\r\n"), 400},
      {"two CR before LF", with_fields("A: b\r\r\n"), 400},
      {"NUL in a value", with_fields("A: b\0c\r\n"s), 400},
      {"NUL in a name", with_fields("A\0b: c\r\n"s), 400},
      {"control byte in a value", with_fields("A: b\x01\r\n"), 400},
      {"DEL in a value", with_fields("A: b\x7f\r\n"), 400},
      {"tab in a value", with_fields("A: b\tc\r\n"), kAccepted},
      {"latin-1 in a value", with_fields("A: caf\xe9\r\n"), kAccepted},
      {"latin-1 in a name", with_fields("caf\xe9: a\r\n"), 400},
      {"space in a name", with_fields("A B: c\r\n"), 400},
      {"empty name", with_fields(": c\r\n"), 400},
      {"no colon", with_fields("Abc\r\n"), 400},
      {"parenthesis in a name", with_fields("A(b): c\r\n"), 400},
      // Host.
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two equal hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
      {"host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", kAccepted},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", kAccepted},
      {"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", kAccepted},
      // Request line.
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"long version", "GET / HTTP/1.11\r\nHost: x\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"trailing space", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"tab as separator", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL in the target", "GET /a\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, 400},
      {"UTF-8 in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"method with bad character", "G=T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", kAccepted},
      {"endless method", std::string(40, 'A') + " / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"leading space", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"leading empty line", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", kAccepted},
      {"many leading empty lines", "\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
       400},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 403},
      {"asterisk for options", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", kAccepted},
      {"asterisk for get", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form", "GET http://y:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n", kAccepted},
      {"absolute form of another scheme", "GET ftp://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form without host", "GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form with user", "GET http://u@y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      // Expectations and limits.
      {"expect continue", with_fields("Content-Length: 4\r\nExpect: 100-continue\r\n"), kAccepted},
      {"unknown expectation", with_fields("Expect: 200-ok\r\n"), 417},
      {"target beyond the limit",
       "GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"target beyond the limit, unfinished", "GET /" + std::string(20000, 'a'), 414},
      {"header block beyond the limit", with_fields("A: " + std::string(70000, 'a') + "\r\n"), 431},
      {"header block beyond the limit, unfinished",
       "GET / HTTP/1.1\r\nA: " + std::string(70000, 'a'), 431},
      {"too many fields",
       [] {
         std::string fields;
         for (int i = 0; i < 101; ++i) fields += "A: b\r\n";
         return with_fields(fields);
       }(),
       431},
  };
}

TEST(RequestHead, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const Parsed parsed = parse(row.text);
    if (row.status == kAccepted) {
      EXPECT_EQ(parsed.outcome.state, ParseState::kDone) << parsed.outcome.reason;
    } else {
      EXPECT_EQ(parsed.outcome.state, ParseState::kError);
      EXPECT_EQ(parsed.outcome.status, row.status) << parsed.outcome.reason;
      EXPECT_FALSE(parsed.outcome.reason.empty());
    }
  }
}

TEST(RequestHead, ByteByByteGivesTheSameAsWhole) {
  for (const Row& row : rows()) {
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
