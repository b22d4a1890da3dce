#include "engine/core/ngram_proposer.h"

#include <gtest/gtest.h>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

using testing::chance;
using testing::pick;
using Tokens = std::vector<TokenId>;

Tokens propose(const Tokens& tokens, SpeculativeOptions options) {
  Tokens drafts = {99};
  propose_ngram(tokens, options, drafts);
  return drafts;
}

TEST(NgramProposer, Examples) {
  const struct {
    const char* says;
    Tokens tokens;
    SpeculativeOptions options;  // drafts, shortest, longest
    Tokens expected;
  } rows[] = {
      {"what followed the same two tokens", {1, 2, 3, 4, 1, 2}, {2, 2, 2}, {3, 4}},
      {"no more than asked for", {1, 2, 3, 4, 1, 2}, {1, 2, 2}, {3}},
      {"fewer where the past ends", {1, 2, 3, 1, 2}, {9, 2, 2}, {3, 1, 2}},
      {"too short a match is none", {1, 2, 3, 4, 9, 2}, {2, 2, 2}, {}},
      {"a shorter one counts when it may", {1, 2, 3, 4, 9, 2}, {2, 1, 2}, {3, 4}},
      {"the longest wins", {5, 2, 8, 1, 2, 9, 1, 2}, {1, 1, 3}, {9}},
      {"the earliest of equals wins", {1, 2, 3, 1, 2, 4, 1, 2}, {1, 2, 2}, {3}},
      {"a match may overlap the suffix", {7, 7, 7}, {3, 2, 2}, {7}},
      {"nothing is cut off at the longest", {1, 2, 3, 9, 1, 2, 3, 8, 1, 2, 3}, {1, 1, 2}, {9}},
      {"no past", {1}, {2, 1, 1}, {}},
      {"empty", {}, {2, 1, 1}, {}},
      {"off", {1, 1, 1}, {0, 1, 1}, {}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(propose(row.tokens, row.options), row.expected) << row.says;
  }
}

// Every length from the longest, every place from the first.
Tokens obvious(const Tokens& tokens, SpeculativeOptions options) {
  for (std::size_t n = options.prompt_lookup_max; n >= options.prompt_lookup_min; --n) {
    for (std::size_t start = 0; start + n < tokens.size(); ++start) {
      if (!std::equal(tokens.end() - static_cast<std::ptrdiff_t>(n), tokens.end(),
                      tokens.begin() + static_cast<std::ptrdiff_t>(start))) {
        continue;
      }
      Tokens drafts;
      for (std::size_t i = start + n;
           i < tokens.size() && drafts.size() < options.num_speculative_tokens; ++i) {
        drafts.push_back(tokens[i]);
      }
      return drafts;
    }
  }
  return {};
}

TEST(NgramProposer, AgreesWithTheObviousSearch) {
  std::size_t found = 0, longer = 0;
  testing::for_each_seed(3000, [&](testing::Random& random) {
    Tokens tokens(pick(random, 0, 60));
    const std::uint32_t distinct = pick(random, 1, 5);
    for (TokenId& token : tokens) token = static_cast<TokenId>(pick(random, 1, distinct));
    SpeculativeOptions options{.num_speculative_tokens = pick(random, 1, 8)};
    options.prompt_lookup_min = pick(random, 1, 4);
    options.prompt_lookup_max = pick(random, options.prompt_lookup_min, 7);
    const Tokens expected = obvious(tokens, options);
    ASSERT_EQ(propose(tokens, options), expected);
    found += expected.empty() ? 0 : 1;
    longer += expected.size() > 1 ? 1 : 0;
  });
  EXPECT_GT(found, 500u);
  EXPECT_GT(longer, 300u);
}

}  // namespace
}  // namespace nacelle::engine
