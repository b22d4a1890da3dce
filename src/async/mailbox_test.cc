#include "async/mailbox.h"

#include <thread>

#include <gtest/gtest.h>

#include "async/async_test_util.h"

namespace nacelle::async {
namespace {

struct Tally {
  std::size_t messages = 0;
  std::size_t batches = 0;
  bool in_order = true;
  Status end;
};

Task<Tally> consume(Mailbox<std::pair<int, int>>* mailbox, int producers) {
  Tally tally;
  std::vector<std::pair<int, int>> batch;
  std::vector<int> last(producers, -1);
  for (;;) {
    const Status status = co_await mailbox->receive(batch);
    if (!status.ok()) {
      tally.end = status;
      co_return tally;
    }
    ++tally.batches;
    for (const auto& [producer, number] : batch) {
      tally.in_order &= number == last[producer] + 1;
      last[producer] = number;
      ++tally.messages;
    }
  }
}

TEST(Mailbox, ManyProducersOneConsumerKeepsEachProducersOrder) {
  OneLoop one;
  constexpr int kProducers = 3, kEach = 20000;
  Mailbox<std::pair<int, int>> mailbox(one.loop(), kProducers * kEach);
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&mailbox, p] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(mailbox.post({p, i}).ok());
    });
  }
  std::thread closer([&] {
    for (auto& thread : producers) thread.join();
    mailbox.close(cancelled("done"));
  });
  const Tally tally = one.run(consume(&mailbox, kProducers));
  closer.join();
  EXPECT_EQ(tally.messages, std::size_t{kProducers * kEach});
  EXPECT_TRUE(tally.in_order);
  EXPECT_LE(tally.batches, tally.messages);
  EXPECT_EQ(tally.end, cancelled("done"));
}

TEST(Mailbox, RefusesBeyondItsBoundAndRecovers) {
  OneLoop one;
  Mailbox<int> mailbox(one.loop(), 2);
  EXPECT_TRUE(mailbox.post(1).ok());
  EXPECT_TRUE(mailbox.post(2).ok());
  EXPECT_EQ(mailbox.post(3).code(), Code::kResourceExhausted);
  auto drain = [](Mailbox<int>* box) -> Task<std::vector<int>> {
    std::vector<int> batch;
    (void)co_await box->receive(batch);
    co_return batch;
  };
  EXPECT_EQ(one.run(drain(&mailbox)), (std::vector<int>{1, 2}));
  EXPECT_TRUE(mailbox.post(4).ok());
}

TEST(Mailbox, DeadlineEndsTheWaitAndLosesNothing) {
  OneLoop one;
  Mailbox<int> mailbox(one.loop(), 8);
  auto receive = [](Mailbox<int>* box, Duration patience) -> Task<Status> {
    std::vector<int> batch;
    co_return co_await box->receive(batch, std::chrono::steady_clock::now() + patience);
  };
  EXPECT_EQ(one.run(receive(&mailbox, 1ms)).code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(mailbox.post(1).ok());
  EXPECT_TRUE(one.run(receive(&mailbox, 1s)).ok());
}

TEST(Mailbox, PostAfterCloseReturnsTheReason) {
  OneLoop one;
  Mailbox<int> mailbox(one.loop(), 8);
  mailbox.close(unavailable("engine died"));
  EXPECT_EQ(mailbox.post(1), unavailable("engine died"));
}

}  // namespace
}  // namespace nacelle::async
