#include "apps/nacelle/answer_tally.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace nacelle::apps {
namespace {

struct Row {
  const char* name;
  std::function<void(TalliedAnswer&)> happens;
  std::uint64_t all, failed;
};

TEST(AnswerTally, CountsAnAttemptByHowItEnds) {
  const std::vector<Row> rows = {
      {"an answer", [](TalliedAnswer& one) { one.on_status(200); }, 1, 0},
      {"a refusal of the request", [](TalliedAnswer& one) { one.on_status(429); }, 1, 0},
      {"an error of the engine", [](TalliedAnswer& one) { one.on_status(503); }, 1, 1},
      {"an endpoint that is not there", [](TalliedAnswer& one) { one.on_failure(); }, 1, 1},
      {"a stream that breaks off",
       [](TalliedAnswer& one) {
         one.on_status(200);
         one.on_failure();
       },
       1, 1},
      {"a client that leaves before the answer", [](TalliedAnswer&) {}, 0, 0},
  };
  for (const Row& row : rows) {
    AnswerTally tally;
    {
      TalliedAnswer one(tally);
      row.happens(one);
      EXPECT_EQ(tally.counts().all, 0U) << row.name << ": it is not over";
    }
    EXPECT_EQ(tally.counts().all, row.all) << row.name;
    EXPECT_EQ(tally.counts().failed, row.failed) << row.name;
  }
}

}  // namespace
}  // namespace nacelle::apps
