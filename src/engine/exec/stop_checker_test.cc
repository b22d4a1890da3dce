#include "engine/exec/stop_checker.h"

#include <gtest/gtest.h>

namespace nacelle::engine {
namespace {

constexpr TokenId kEos = 9;

struct Row {
  const char* says;
  TokenId token;
  std::uint32_t num_outputs, num_tokens;
  FinishReason finish;
  std::optional<TokenId> stop_token;
};

SamplingParams params() {
  SamplingParams params;
  params.max_tokens = 10;
  params.min_tokens = 3;
  params.stop_token_ids = {5, 6};
  return params;
}

void expect_all(const SamplingParams& params, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.says);
    const StopVerdict verdict =
        check_stop(params, kEos, row.token, row.num_outputs, row.num_tokens, 100);
    EXPECT_EQ(verdict.finish, row.finish);
    EXPECT_EQ(verdict.stop_token, row.stop_token);
  }
}

TEST(StopChecker, Rows) {
  expect_all(params(),
             {
                 {"ordinary token goes on", 1, 4, 20, FinishReason::kNone, {}},
                 {"primary EOS stops without an id", kEos, 4, 20, FinishReason::kStop, {}},
                 {"stop id stops and is named", 6, 4, 20, FinishReason::kStop, 6},
                 {"EOS below min_tokens is ignored", kEos, 2, 20, FinishReason::kNone, {}},
                 {"stop id below min_tokens is ignored", 5, 2, 20, FinishReason::kNone, {}},
                 {"EOS at min_tokens stops", kEos, 3, 20, FinishReason::kStop, {}},
                 {"max_tokens ends", 1, 10, 20, FinishReason::kLength, {}},
                 {"EOS at max_tokens is a stop", kEos, 10, 20, FinishReason::kStop, {}},
                 {"max_model_len ends", 1, 4, 100, FinishReason::kLength, {}},
                 {"max_model_len ends below min_tokens too", 1, 2, 100, FinishReason::kLength, {}},
             });
}

TEST(StopChecker, IgnoreEosKeepsExplicitStopIds) {
  SamplingParams ignoring = params();
  ignoring.ignore_eos = true;
  expect_all(ignoring, {
                           {"EOS goes on", kEos, 4, 20, FinishReason::kNone, {}},
                           {"stop id stops", 5, 4, 20, FinishReason::kStop, 5},
                       });
}

TEST(StopChecker, NoEosTokenNeverMatches) {
  EXPECT_EQ(check_stop(params(), -1, 0, 4, 20, 100).finish, FinishReason::kNone);
}

}  // namespace
}  // namespace nacelle::engine
