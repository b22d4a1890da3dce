#include "serve/output/logprob_format.h"

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

using engine::PositionLogprobs;

// Token t is the letter 'a' + t; tokens 20 and above are pieces of characters.
TokenNamer namer() {
  return {.text = [](TokenId t) { return t < 20 ? std::string(1, char('a' + t)) : "\ufffd"; },
          .bytes = [](TokenId t) { return std::string(1, t < 20 ? char('a' + t) : '\xc3'); }};
}

const PositionLogprobs kSampledFirst{{{0, -0.5f, 1}, {0, -0.5f, 1}, {1, -1.0f, 2}}};
const PositionLogprobs kSampledUnlikely{{{5, -9.0f, 40}, {0, -0.5f, 1}, {1, -1.0f, 2}}};

std::string names(const openai::ChatTokenLogprob& position) {
  std::string out = position.sampled.token + ":";
  for (const auto& entry : position.top) out += entry.token;
  return out;
}

TEST(LogprobFormat, ChatShowsTheSampledTokenFirstAndOnce) {
  EXPECT_EQ(names(chat_logprob(kSampledFirst, 2, namer())), "a:ab");
  EXPECT_EQ(names(chat_logprob(kSampledUnlikely, 2, namer())), "f:fa");
  EXPECT_EQ(names(chat_logprob(kSampledUnlikely, 0, namer())), "f:");
  EXPECT_EQ(names(chat_logprob(kSampledUnlikely, -1, namer())), "f:fab");
}

TEST(LogprobFormat, BytesAreThoseOfTheTokenUnlessNamedById) {
  const PositionLogprobs piece{{{20, -1.0f, 1}}};
  EXPECT_EQ(chat_logprob(piece, 0, namer()).sampled.bytes, "\xc3");
  EXPECT_EQ(chat_logprob(piece, 0, namer()).sampled.token, "\ufffd");
  TokenNamer by_id = namer();
  by_id.as_token_ids = true;
  EXPECT_EQ(chat_logprob(piece, 0, by_id).sampled.token, "token_id:20");
  EXPECT_EQ(chat_logprob(piece, 0, by_id).sampled.bytes, "token_id:20");
}

TEST(LogprobFormat, CompletionOffsetsRunOnAcrossTakes) {
  CompletionLogprobBuilder builder(namer(), 2);
  builder.add_unpredicted(3);
  builder.add(kSampledUnlikely);
  const auto first = builder.take();
  EXPECT_EQ(first.text_offset, (std::vector<std::int64_t>{0, 1}));
  EXPECT_FALSE(first.token_logprobs[0].has_value());
  EXPECT_FALSE(first.top_logprobs[0].has_value());
  EXPECT_EQ(first.top_logprobs[1]->size(), 3u);  // the sampled token and the two most likely
  builder.add(kSampledFirst);
  const auto second = builder.take();
  EXPECT_EQ(second.text_offset, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(second.top_logprobs[0]->size(), 2u);
}

TEST(LogprobFormat, EqualNamesShareOneKey) {
  CompletionLogprobBuilder builder(namer(), -1);
  builder.add(PositionLogprobs{{{20, -1.0f, 1}, {21, -2.0f, 2}, {0, -3.0f, 3}}});
  const auto out = builder.take();
  ASSERT_EQ(out.top_logprobs[0]->size(), 2u);
  EXPECT_EQ(out.top_logprobs[0]->at(0).second, -2.0f);
}

TEST(LogprobFormat, ThePromptsFirstTokenHasNone) {
  const auto out = prompt_logprobs({{}, kSampledFirst}, namer());
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(out[0].empty());
  ASSERT_EQ(out[1].size(), 2u);
  EXPECT_EQ(out[1][1].rank, 2u);
}

}  // namespace
}  // namespace nacelle::serve
