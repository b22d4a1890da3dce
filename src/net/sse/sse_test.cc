#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/sse/event_parser.h"
#include "net/sse/event_writer.h"

namespace nacelle::net::sse {
namespace {

struct Got {
  std::string type, data, id;
  friend bool operator==(const Got&, const Got&) = default;
};

void PrintTo(const Got& got, std::ostream* out) {
  *out << "{" << got.type << "|" << got.data << "|" << got.id << "}";
}

std::vector<Got> parse(std::string_view text, std::size_t step) {
  SseParser parser;
  std::vector<Got> out;
  while (!text.empty()) {
    const std::string piece(text.substr(0, step));  // a buffer of its own, gone after next()
    text.remove_prefix(piece.size());
    parser.feed(piece);
    while (const auto event = parser.next()) {
      out.push_back({std::string(event->type), std::string(event->data), std::string(event->id)});
    }
  }
  EXPECT_TRUE(parser.status().ok());
  return out;
}

TEST(SseParser, ReadsTheStandardsExamplesInAnySplit) {
  struct {
    const char* name;
    std::string text;
    std::vector<Got> events;
  } const table[] = {
      {"one line", "data: a\n\n", {{"", "a", ""}}},
      {"several lines", "data: YHOO\ndata: +2\ndata: 10\n\n", {{"", "YHOO\n+2\n10", ""}}},
      {"comments, ids and empty id",
       ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
       "event\n\n",
       {{"", "first event", "1"}, {"", "second event", ""}, {"", " third event", ""}}},
      {"empty data and unfinished event",
       "data\n\ndata\ndata\n\ndata:",
       {{"", "", ""}, {"", "\n", ""}}},
      {"space after the colon is optional",
       "data:test\n\ndata: test\n\n",
       {{"", "test", ""}, {"", "test", ""}}},
      {"types do not stay",
       "event: add\ndata: 1\n\ndata: 2\n\n",
       {{"add", "1", ""}, {"", "2", ""}}},
      {"type without data", "event: add\n\ndata: 2\n\n", {{"", "2", ""}}},
      {"CR lines", "data: a\rdata: b\r\r", {{"", "a\nb", ""}}},
      {"CRLF lines", "data: a\r\ndata: b\r\n\r\n", {{"", "a\nb", ""}}},
      {"mixed ends", "data: a\r\n\ndata: b\n\r\n", {{"", "a", ""}, {"", "b", ""}}},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "data: a\n\n",
       {{"", "a", ""}}},
      {"unknown fields and retry", "retry: 5\nfoo: bar\ndata: a\n\n", {{"", "a", ""}}},
      {"id with NUL is ignored", std::string("id: a\0b\ndata: x\n\n", 17), {{"", "x", ""}}},
  };
  for (const auto& row : table) {
    for (std::size_t step = 1; step <= row.text.size(); ++step) {
      EXPECT_EQ(parse(row.text, step), row.events) << row.name << ", pieces of " << step;
    }
  }
}

TEST(SseParser, AnEventBeyondTheBoundFailsAndStaysFailed) {
  for (const char* text : {"data: 0123456789012345678901234567890123456789",
                           "data: 012345678901234567890\ndata: 012345678901234567890\n\n"}) {
    SseParser parser(32);
    parser.feed(text);
    EXPECT_FALSE(parser.next().has_value());
    EXPECT_EQ(parser.status().code(), Code::kOutOfRange);
    parser.feed("data: a\n\n");
    EXPECT_FALSE(parser.next().has_value());
  }
}

TEST(SseWriter, WritesWhatTheParserReads) {
  std::string out;
  append_event(out, "{\"a\":1}");
  append_event(out, "error", "two\nlines\r\nthree", "7\n8");
  append_comment(out, "ping");
  append_event(out, "");
  EXPECT_EQ(out,
            "data: {\"a\":1}\n\nid: 78\nevent: error\ndata: two\ndata: lines\ndata: three\n\n"
            ": ping\n\ndata: \n\n");
  EXPECT_EQ(parse(out, out.size()),
            (std::vector<Got>{
                {"", "{\"a\":1}", ""}, {"error", "two\nlines\nthree", "78"}, {"", "", "78"}}));
}

}  // namespace
}  // namespace nacelle::net::sse
