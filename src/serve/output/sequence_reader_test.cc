#include "serve/output/sequence_reader.h"

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

using engine::FinishReason;
using engine::SequenceOutput;

// Token t is the letter 'a' + t; token 25 has no text of its own, as an incomplete character.
std::string letter(TokenId token) { return token == 25 ? "" : std::string(1, char('a' + token)); }

SequenceReader reader(StopPolicy policy) { return {std::move(policy), letter}; }

SequenceOutput output(std::vector<TokenId> tokens, FinishReason finish = FinishReason::kNone) {
  SequenceOutput out;
  out.tokens = std::move(tokens);
  out.finish = finish;
  return out;
}

TEST(SequenceReader, JoinsWaitingOutputs) {
  auto r = reader({});
  r.add(output({0}));
  r.add(output({25, 1}));
  EXPECT_TRUE(r.has_news());
  const OutputDelta delta = r.take();
  EXPECT_EQ(delta.text, "ab");
  EXPECT_EQ(delta.tokens, (std::vector<TokenId>{0, 25, 1}));
  EXPECT_FALSE(delta.finished());
  EXPECT_FALSE(r.has_news());
}

TEST(SequenceReader, TheStopTokenCountsButItsTextIsDropped) {
  for (const bool include : {false, true}) {
    auto r = reader({.include_stop_str = include});
    SequenceOutput last = output({0, 1}, FinishReason::kStop);
    last.stop_token = 1;
    r.add(std::move(last));
    const OutputDelta delta = r.take();
    EXPECT_EQ(delta.text, include ? "ab" : "a");
    EXPECT_EQ(delta.tokens.size(), 2u);
    EXPECT_EQ(r.num_tokens(), 2);
    EXPECT_EQ(delta.finish, FinishReason::kStop);
    EXPECT_EQ(std::get<TokenId>(delta.stop_reason), 1);
    EXPECT_FALSE(r.stopped_by_text());
  }
}

TEST(SequenceReader, TextOfTheLastTokenStaysWhenLengthEndsIt) {
  auto r = reader({});
  r.add(output({0, 1}, FinishReason::kLength));
  const OutputDelta delta = r.take();
  EXPECT_EQ(delta.text, "ab");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(delta.stop_reason));
}

TEST(SequenceReader, AStopStringEndsItAtItsToken) {
  auto r = reader({.stop_strings = {"bc"}});
  SequenceOutput out = output({0, 1, 2, 3, 4});
  out.logprobs.resize(5);
  r.add(std::move(out));
  EXPECT_TRUE(r.stopped_by_text());
  r.add(output({5}, FinishReason::kLength));  // what the engine sent before it saw the abort
  const OutputDelta delta = r.take();
  EXPECT_EQ(delta.text, "a");
  EXPECT_EQ(delta.tokens.size(), 3u);
  EXPECT_EQ(delta.logprobs.size(), 3u);
  EXPECT_EQ(delta.finish, FinishReason::kStop);
  EXPECT_EQ(std::get<std::string>(delta.stop_reason), "bc");
}

TEST(SequenceReader, MinTokensShieldsTheFirstTokens) {
  auto r = reader({.stop_strings = {"a"}, .min_tokens = 2});
  r.add(output({0, 0, 1, 0, 1}));
  const OutputDelta delta = r.take();
  EXPECT_EQ(delta.text, "aab");
  EXPECT_EQ(delta.tokens.size(), 4u);
}

TEST(SequenceReader, TheAnswerDoesNotDependOnHowOutputsArrive) {
  const std::vector<TokenId> tokens = {0, 1, 25, 0, 2, 1, 0, 3, 3};
  for (std::uint32_t borders = 0; borders < (1u << (tokens.size() - 1)); ++borders) {
    auto r = reader({.stop_strings = {"abd", "cb"}, .min_tokens = 1});
    std::vector<TokenId> part;
    std::string sent;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      part.push_back(tokens[i]);
      if ((borders >> i & 1) == 0 && i + 1 < tokens.size()) continue;
      r.add(output(std::exchange(part, {})));
      const OutputDelta delta = r.take();
      sent += delta.text;
      count += static_cast<std::int64_t>(delta.tokens.size());
    }
    ASSERT_EQ(sent + r.take().text, "aba") << borders;
    ASSERT_EQ(count, 6);
  }
}

TEST(SequenceReader, ErrorsAndAbortsAreReported) {
  auto r = reader({});
  SequenceOutput out = output({}, FinishReason::kError);
  out.error = internal("no memory");
  r.add(std::move(out));
  const OutputDelta delta = r.take();
  EXPECT_EQ(delta.finish, FinishReason::kError);
  EXPECT_EQ(delta.error.message(), "no memory");
}

}  // namespace
}  // namespace nacelle::serve
