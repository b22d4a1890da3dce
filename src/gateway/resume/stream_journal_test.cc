#include "gateway/resume/stream_journal.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nacelle::gateway {
namespace {

constexpr std::string_view kName = R"({"id":"cmpl-1","created":7,"seed":3})";

// What an engine says from its `from`-th token on: one event per token, the last finishes.
std::string engine(std::size_t from, std::size_t total) {
  std::string out;
  for (std::size_t i = from; i < total; ++i) {
    const bool last = i + 1 == total;
    if (i == 0) out += "data: role\n\n";
    out += "data: token " + std::to_string(i) + (last ? " stop" : "") + "\n\n";
    out += ": t " + std::to_string(100 + i) + (last ? " end" : "") + "\n\n";
  }
  return out + "data: usage\n\ndata: [DONE]\n\n";
}

std::string without_comments(std::string text) {
  for (std::size_t at; (at = text.find(": t ")) != std::string::npos;) {
    text.erase(at, text.find("\n\n", at) + 2 - at);
  }
  return text;
}

std::size_t tokens_in(const std::string& body) {
  const std::size_t at = body.find("\"tokens\":[") + 10;
  const std::string list = body.substr(at, body.find(']', at) - at);
  if (list.empty()) return 0;
  return static_cast<std::size_t>(std::count(list.begin(), list.end(), ',')) + 1;
}

// Wherever the first stream breaks, and wherever the second does, the client sees the same.
TEST(StreamJournal, TwoBreaksAnywhereAreSeamless) {
  constexpr std::size_t kTokens = 4;
  const std::string whole = engine(0, kTokens);
  const std::string expected = without_comments(whole);
  for (std::size_t first = 0; first <= whole.size(); ++first) {
    auto journal = StreamJournal::begin(kName);
    ASSERT_TRUE(journal.has_value());
    std::string seen = journal->feed(std::string_view(whole).substr(0, first));
    if (journal->done()) {
      EXPECT_EQ(seen, expected);
      continue;
    }
    const std::string body = journal->resume_body("{\"stream\":true}");
    const std::string rest = engine(tokens_in(body), kTokens);
    for (std::size_t second = 0; second <= rest.size(); second += 3) {
      StreamJournal next = *journal;
      std::string all = seen;
      next.restart();
      all += next.feed(std::string_view(rest).substr(0, second));
      if (!next.done()) {
        const std::string again = engine(tokens_in(next.resume_body("{\"stream\":true}")), kTokens);
        next.restart();
        all += next.feed(again);
      }
      ASSERT_TRUE(next.done());
      ASSERT_EQ(all, expected) << first << ' ' << second;
    }
  }
}

TEST(StreamJournal, AnySplitGivesTheSameBytes) {
  const std::string whole = engine(0, 3);
  for (std::size_t split = 0; split <= whole.size(); ++split) {
    auto journal = StreamJournal::begin(kName);
    std::string seen = journal->feed(std::string_view(whole).substr(0, split));
    seen += journal->feed(std::string_view(whole).substr(split));
    EXPECT_EQ(seen, without_comments(whole));
    EXPECT_TRUE(journal->done());
  }
}

TEST(StreamJournal, TheRequestForAnotherEngine) {
  auto journal = StreamJournal::begin(kName);
  EXPECT_EQ(journal->resume_body("{\"stream\":true}\n"),
            R"({"stream":true,"nacelle_resume":{"id":"cmpl-1","created":7,"seed":3,"tokens":[]}})");
  (void)journal->feed("data: a\n\n: t 5,6\n\ndata: b\n\n");
  EXPECT_EQ(journal->resume_body("{ }"),
            R"({ "nacelle_resume":{"id":"cmpl-1","created":7,"seed":3,"tokens":[5,6]}})");
  EXPECT_EQ(journal->resume_body("[1]"), "");
}

TEST(StreamJournal, AnEnginesErrorPasses) {
  auto journal = StreamJournal::begin(kName);
  EXPECT_EQ(journal->feed("data: {\"error\":1}\n\ndata: [DONE]\n\n"),
            "data: {\"error\":1}\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(journal->done());
}

TEST(StreamJournal, GarbageIsPassedOnAndNotResumed) {
  EXPECT_FALSE(StreamJournal::begin("").has_value());
  EXPECT_FALSE(StreamJournal::begin("1").has_value());
  auto journal = StreamJournal::begin(kName);
  const std::string flood(StreamJournal::kMaxHeldBytes + 1, 'x');
  EXPECT_EQ(journal->feed(flood), flood);
  EXPECT_FALSE(journal->resumable());
  EXPECT_EQ(journal->feed("more"), "more");
}

}  // namespace
}  // namespace nacelle::gateway
