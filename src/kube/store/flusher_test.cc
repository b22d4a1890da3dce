#include "kube/store/flusher.h"

#include <gtest/gtest.h>

#include <future>

#include "async/runtime.h"
#include "kube/testing/slow_disk.h"

namespace nacelle::kube::store {
namespace {

class FlusherTest : public ::testing::Test {
 protected:
  FlusherTest() { runtime_.start(); }

  std::future<Status> wait(std::uint64_t revision) {
    return std::async(std::launch::async, [this, revision] {
      return async::run_blocking(runtime_.loop(0), flusher_->wait(runtime_.loop(0), revision));
    });
  }

  async::Runtime runtime_{1};
  kube::testing::SlowDisk disk_;
  std::unique_ptr<Flusher> flusher_ = std::make_unique<Flusher>(7, disk_.before_sync());
};

TEST_F(FlusherTest, WhatIsOnTheDiskIsNotWaitedFor) {
  disk_.hold();
  flusher_->written(8);
  EXPECT_TRUE(wait(7).get().ok());
  disk_.let_go();
}

TEST_F(FlusherTest, WritesThatComeDuringASyncShareTheNext) {
  disk_.hold();
  flusher_->written(8);
  disk_.wait_until_begun(1);
  flusher_->written(9);
  flusher_->written(10);
  auto first = wait(8);
  auto second = wait(9);
  auto third = wait(10);
  disk_.let_go();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(third.get().ok());
  EXPECT_EQ(disk_.begun(), 2);
}

TEST_F(FlusherTest, ASyncThatFailsIsTheLastOne) {
  disk_.let_go(unavailable("the disk is gone"));
  flusher_->written(8);
  EXPECT_EQ(wait(8).get().message(), "the disk is gone");
  disk_.let_go();
  flusher_->written(9);
  EXPECT_EQ(wait(9).get().message(), "the disk is gone");
  EXPECT_EQ(flusher_->failure().message(), "the disk is gone");
  EXPECT_TRUE(wait(7).get().ok()) << "what was there stays";
  EXPECT_EQ(disk_.begun(), 1);
}

TEST_F(FlusherTest, TheEndBringsTheRestToTheDisk) {
  disk_.hold();
  flusher_->written(8);
  disk_.wait_until_begun(1);
  flusher_->written(9);
  disk_.let_go();
  flusher_.reset();
  EXPECT_EQ(disk_.begun(), 2);
}

}  // namespace
}  // namespace nacelle::kube::store
