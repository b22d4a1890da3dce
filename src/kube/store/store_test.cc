#include "kube/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "async/runtime.h"
#include "kube/store/store_test_util.h"
#include "kube/testing/slow_disk.h"

namespace nacelle::kube {
namespace {

namespace fs = std::filesystem;

TEST(Store, ConcurrentWritersLoseNothing) {
  Folder folder;
  auto store = open(folder);
  const ObjectKey key{"", "counter"};
  ASSERT_TRUE(store->write_blocking(put("c", key, 0, 0)).status.ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < 50;) {
        const ObjectPtr now = store->get("c", key);
        const int value = now->json["value"].get<int>() + 1;
        if (store->write_blocking(put("c", key, now->revision, value)).status.ok()) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store->get("c", key)->json["value"], 200);
}

TEST(Store, AWatchSleepsUntilAChangeAndEndsWithTheStore) {
  Folder folder;
  async::Runtime runtime(1);
  runtime.start();
  auto store = open(folder);
  auto feed = std::move(*store->subscribe(runtime.loop(0), "c", 0));
  std::promise<void> asleep;
  std::thread writer([&] {
    (void)store->write_blocking(put("other", {"", "x"}, 0, 1));
    (void)store->write_blocking(put("c", {"", "x"}, 0, 7));
  });
  auto changes = async::run_blocking(runtime.loop(0), feed->next(8, async::kNoDeadline));
  writer.join();
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ(changes->front()->after->json["value"], 7);
  store.reset();
  changes = async::run_blocking(runtime.loop(0), feed->next(8, async::kNoDeadline));
  EXPECT_EQ(changes.error().code(), Code::kCancelled);
}

TEST(Store, AReaderThatFallsBehindIsToldAndAQuietCollectionIsNot) {
  Folder folder;
  async::Runtime runtime(1);
  runtime.start();
  auto store = open(folder, {.max_history_bytes = 64 << 10});
  auto busy = std::move(*store->subscribe(runtime.loop(0), "busy", 0));
  auto quiet = std::move(*store->subscribe(runtime.loop(0), "quiet", 0));
  ASSERT_TRUE(store->write_blocking(put("busy", {"", "x"}, 0, 0)).status.ok());
  for (int i = 1; i < 200; ++i) {
    const std::uint64_t at = store->get("busy", {"", "x"})->revision;
    ASSERT_TRUE(store->write_blocking(put("busy", {"", "x"}, at, i)).status.ok());
  }
  const auto late = async::run_blocking(runtime.loop(0), busy->next(8, TimePoint::min()));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Code::kOutOfRange);
  EXPECT_THAT(late.error().message(), ::testing::StartsWith("too old resource version: 0 ("));
  const auto none = async::run_blocking(runtime.loop(0), quiet->next(8, TimePoint::min()));
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(quiet->position(), store->revision());
}

TEST(Store, AFolderServesOneStore) {
  Folder folder;
  auto store = open(folder);
  const auto second = Store::open({.folder = folder.path()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  EXPECT_THAT(second.error().message(), ::testing::HasSubstr("is in use by another process"));
}

std::vector<fs::path> copies(const Folder& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (entry.path().filename().string().find(".damaged-") != std::string::npos) {
      out.push_back(entry.path());
    }
  }
  return out;
}

void fill(const Folder& folder) {
  auto store = open(folder);
  for (int i = 0; i < 200; ++i) {
    Write write = put("c", {"", "o" + std::to_string(i)}, 0, i);
    write.object = object(write.key, i, 200);
    ASSERT_TRUE(store->write_blocking(std::move(write)).status.ok());
  }
}

TEST(Store, ADamagedFileIsKeptAndNotReplaced) {
  for (const std::streamoff at : {std::streamoff{0}, std::streamoff{3 * 4096 + 8}}) {
    Folder folder;
    fill(folder);
    const fs::path file = folder.path() / "store.db";
    {
      std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
      damage.seekp(at);
      damage << std::string(3000, '\xa5');
    }
    const auto size = fs::file_size(file);
    for (int start = 0; start < 2; ++start) {
      const auto store = Store::open({.folder = folder.path()});
      ASSERT_FALSE(store.ok()) << "damage at " << at;
      EXPECT_EQ(store.error().code(), Code::kDataLoss);
      EXPECT_THAT(store.error().message(), ::testing::HasSubstr("is damaged"));
      EXPECT_THAT(store.error().message(), ::testing::HasSubstr("a copy is kept as"));
    }
    EXPECT_EQ(fs::file_size(file), size);
    const auto kept = copies(folder);
    ASSERT_EQ(kept.size(), 1u) << "one copy per state of the file";
    EXPECT_EQ(fs::file_size(kept.front()), size);
  }
}

TEST(Store, AFullDiskFailsWritesClearlyAndRemovalsGoOn) {
  Folder folder;
  auto store = open(folder, {.max_file_bytes = 256 << 10});
  int made = 0;
  WriteOutcome outcome;
  for (; made < 1000; ++made) {
    Write write = put("c", {"", "o" + std::to_string(made)}, 0, made);
    write.object = object(write.key, made, 4000);
    outcome = store->write_blocking(std::move(write));
    if (!outcome.status.ok()) break;
  }
  ASSERT_LT(made, 1000);
  EXPECT_EQ(outcome.status.code(), Code::kResourceExhausted);
  EXPECT_TRUE(outcome.disk_full);
  EXPECT_EQ(store->count("c"), static_cast<std::size_t>(made));
  EXPECT_EQ(store->revision(), static_cast<std::uint64_t>(made)) << "no number was taken";
  for (int i = 0; i < 10; ++i) {
    const ObjectKey key{"", "o" + std::to_string(i)};
    Write removal{.collection = "c", .key = key, .expected = store->get("c", key)->revision};
    removal.object = object(key, i);
    removal.remove = true;
    ASSERT_TRUE(store->write_blocking(std::move(removal)).status.ok());
  }
  Write again = put("c", {"", "again"}, 0, 1);
  EXPECT_TRUE(store->write_blocking(std::move(again)).status.ok());
}

TEST(Store, WritesAreSeenBeforeTheDiskHasThemAndFlushedWaitsForIt) {
  Folder folder;
  async::Runtime runtime(1);
  runtime.start();
  testing::SlowDisk disk;
  auto store = open(folder, {.before_sync = disk.before_sync()});
  auto feed = std::move(*store->subscribe(runtime.loop(0), "c", 0));
  disk.hold();
  ASSERT_TRUE(store->write_blocking(put("c", {"", "x"}, 0, 1)).status.ok());
  EXPECT_NE(store->get("c", {"", "x"}), nullptr);
  const auto seen = async::run_blocking(runtime.loop(0), feed->next(8, async::kNoDeadline));
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(seen->size(), 1U);
  auto kept = std::async(std::launch::async, [&] {
    const Status status = async::run_blocking(runtime.loop(0), store->flushed(runtime.loop(0)));
    EXPECT_FALSE(disk.held());
    return status;
  });
  disk.wait_until_begun(1);
  disk.let_go();
  EXPECT_TRUE(kept.get().ok());
}

TEST(Store, ADiskThatFailsToSyncEndsWrites) {
  Folder folder;
  async::Runtime runtime(1);
  runtime.start();
  testing::SlowDisk disk;
  auto store = open(folder, {.before_sync = disk.before_sync()});
  ASSERT_TRUE(store->write_blocking(put("c", {"", "x"}, 0, 1)).status.ok());
  ASSERT_TRUE(async::run_blocking(runtime.loop(0), store->flushed(runtime.loop(0))).ok());
  disk.let_go(unavailable("no more writes"));
  ASSERT_TRUE(store->write_blocking(put("c", {"", "y"}, 0, 2)).status.ok());
  const Status lost = async::run_blocking(runtime.loop(0), store->flushed(runtime.loop(0)));
  EXPECT_EQ(lost.message(), "no more writes");
  const WriteOutcome refused = store->write_blocking(put("c", {"", "z"}, 0, 3));
  EXPECT_EQ(refused.status.code(), Code::kUnavailable);
  EXPECT_FALSE(refused.disk_full);
  EXPECT_EQ(store->count("c"), 2U);
}

TEST(Store, ObjectsSurviveARestartAndTheHistoryDoesNot) {
  Folder folder;
  fill(folder);
  auto store = open(folder);
  EXPECT_EQ(store->count("c"), 200u);
  EXPECT_EQ(store->get("c", {"", "o17"})->json["value"], 17);
  EXPECT_EQ(store->get("c", {"", "o17"})->revision, 18u);
  async::Runtime runtime(1);
  runtime.start();
  EXPECT_TRUE(store->subscribe(runtime.loop(0), "c", 200).ok());
  EXPECT_EQ(store->subscribe(runtime.loop(0), "c", 199).error().code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace nacelle::kube
