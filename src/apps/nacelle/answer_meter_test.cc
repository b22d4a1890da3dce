#include "apps/nacelle/answer_meter.h"

#include <gtest/gtest.h>

#include <string>

namespace nacelle::apps {
namespace {

constexpr TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(ms)); }

struct Seen final : router::AnswerObserver {
  void on_first_token(TimePoint now) override { log += note("first", now); }
  void on_tokens(std::uint64_t tokens, TimePoint now) override {
    log += note(std::to_string(tokens) + " more", now);
  }
  void on_complete(TimePoint now) override { log += note("end", now); }
  static std::string note(const std::string& what, TimePoint now) {
    return what + "@" +
           std::to_string(
               std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch())
                   .count()) +
           "; ";
  }
  std::string log;
};

TEST(AnswerMeter, EventsOfAStreamAreTokens) {
  Seen seen;
  AnswerMeter meter(&seen, nullptr);
  meter.on_status(200);
  meter.on_piece("data: {\"a\":1}\n\n", at(5));
  meter.on_piece("data: {\"a\":2}\n\ndata: {\"a\"", at(7));
  meter.on_piece(":3}\n\n", at(9));
  meter.on_piece("data: [DONE]\n\n", at(10));
  meter.on_complete(at(11));
  EXPECT_EQ(seen.log, "first@5; 1 more@7; 1 more@9; end@11; ");
}

TEST(AnswerMeter, TheUsageSaysHowManyTokensSharedAnEvent) {
  Seen seen;
  AnswerMeter meter(&seen, nullptr);
  meter.on_status(200);
  meter.on_piece("data: {\"a\":1}\n\n", at(1));
  meter.on_piece(
      "data: {\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":12,\"total_tokens\":16}}\n\n",
      at(2));
  meter.on_complete(at(3));
  EXPECT_EQ(seen.log, "first@1; 1 more@2; 10 more@3; end@3; ");
}

TEST(AnswerMeter, AWholeAnswerIsOnePiece) {
  Seen seen;
  AnswerMeter meter(&seen, nullptr);
  meter.on_status(200);
  meter.on_piece("{\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":12}}", at(1));
  meter.on_complete(at(2));
  EXPECT_EQ(seen.log, "end@2; ");
}

TEST(AnswerMeter, ErrorsTeachNothing) {
  Seen seen;
  AnswerMeter meter(&seen, nullptr);
  meter.on_status(500);
  meter.on_piece("{\"error\":{}}", at(1));
  meter.on_complete(at(2));
  EXPECT_EQ(seen.log, "");
}

}  // namespace
}  // namespace nacelle::apps
