#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "base/file.h"
#include "gateway/ai/usage/usage_query.h"
#include "gateway/ai/usage/usage_store.h"
#include "gateway/ai/usage/usage_writer.h"

namespace nacelle::gateway::ai {
namespace {

constexpr std::chrono::sys_days kDay{std::chrono::year{2026} / 11 / 29};

UsageRecord record(std::string key, std::string model, std::chrono::sys_days day = kDay) {
  UsageRecord out{.at = WallTime(day) + std::chrono::hours(3),
                  .key_id = std::move(key),
                  .model = std::move(model),
                  .route = "r",
                  .backend = "b",
                  .http_status = 200};
  out.usage = {true, 10, 4, 1, 20, 5};
  out.cost = 7;
  return out;
}

// A file that goes with the test, its journal included.
class TempFile {
 public:
  TempFile()
      : path_(std::filesystem::temp_directory_path() /
              ("nacelle_usage_" + std::to_string(::getpid()) + "_" + std::to_string(next_++))) {}
  ~TempFile() {
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(path_.string() + suffix);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static inline int next_ = 0;
  std::filesystem::path path_;
};

TEST(UsageStore, AddsUpByDayAndSurvivesAReopen) {
  TempFile file;
  {
    auto store = UsageStore::open(file.path());
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    auto failed = record("a", "m");
    failed.http_status = 500;
    const std::vector<UsageRecord> batch{record("a", "m"), failed, record("a", "n"),
                                         record("b", "m", kDay + std::chrono::days(1))};
    ASSERT_TRUE((*store)->write(batch).ok());
    ASSERT_TRUE((*store)->write({&batch[0], 1}).ok());
  }
  auto store = UsageStore::open(file.path());
  ASSERT_TRUE(store.ok());
  const auto all = (*store)->query({.from = kDay, .to = kDay + std::chrono::days(1)});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->rows.size(), 3u);
  EXPECT_EQ(all->rows[0].requests, 3u);
  EXPECT_EQ(all->rows[0].failed, 1u);
  EXPECT_EQ(all->rows[0].usage.input, 30u);
  EXPECT_EQ(all->rows[0].cost, 21u);
  const auto one = (*store)->query({.from = kDay, .to = kDay, .key_id = "a", .model = "n"});
  ASSERT_EQ(one->rows.size(), 1u);
  const auto first = (*store)->query({.from = kDay, .to = kDay, .max_rows = 1});
  EXPECT_TRUE(first->truncated);
  EXPECT_EQ(first->rows.size(), 1u);
}

TEST(UsageStore, HostileTextIsData) {
  auto store = UsageStore::open(":memory:");
  ASSERT_TRUE(store.ok());
  const std::string model = "x'); DROP TABLE usage_by_day; --";
  const auto hostile = record("", model);
  ASSERT_TRUE((*store)->write({&hostile, 1}).ok());
  const auto found = (*store)->query({.from = kDay, .to = kDay, .model = model});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->rows.size(), 1u);
  EXPECT_EQ(found->rows[0].key_id, "");
}

TEST(UsageStore, CountersAddUpByWindowAndOldOnesGo) {
  auto store = UsageStore::open(":memory:");
  ASSERT_TRUE(store.ok());
  auto with_charge = record("a", "m");
  with_charge.charges = {{"quota", "key=a", kDay, 40}, {"quota", "key=b", kDay, 1}};
  ASSERT_TRUE((*store)->write({&with_charge, 1}).ok());
  ASSERT_TRUE((*store)->write({&with_charge, 1}).ok());
  const auto counters = (*store)->counters(kDay);
  ASSERT_TRUE(counters.ok());
  ASSERT_EQ(counters->size(), 2u);
  EXPECT_EQ((*counters)[0].subject, "key=a");
  EXPECT_EQ((*counters)[0].amount, 80u);
  EXPECT_EQ((*counters)[0].window_begin, WallTime(kDay));
  EXPECT_TRUE((*store)->counters(kDay + std::chrono::days(1))->empty());
  ASSERT_TRUE((*store)->remove_before(kDay + std::chrono::days(1)).ok());
  EXPECT_TRUE((*store)->counters(WallTime{})->empty());
  EXPECT_TRUE((*store)->query({.from = kDay, .to = kDay})->rows.empty());
}

TEST(UsageStore, ForeignFilesAreRefused) {
  TempFile garbage;
  ASSERT_TRUE(write_file_atomically(garbage.path(), std::string(8192, 'x')).ok());
  EXPECT_FALSE(UsageStore::open(garbage.path()).ok());
  TempFile later;
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(later.path().c_str(), &database), SQLITE_OK);
  sqlite3_exec(database, "PRAGMA user_version = 9", nullptr, nullptr, nullptr);
  sqlite3_close(database);
  EXPECT_EQ(UsageStore::open(later.path()).status().code(), Code::kDataLoss);
  EXPECT_FALSE(UsageStore::open("/nonexistent/usage.db").ok());
}

// A process that dies between two batches leaves the committed one, and the file opens again.
TEST(UsageStore, UncommittedWorkIsGoneAfterACrash) {
  TempFile file;
  TempFile copy;
  auto store = UsageStore::open(file.path());
  const auto written = record("a", "m");
  ASSERT_TRUE((*store)->write({&written, 1}).ok());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.path().c_str(), &other), SQLITE_OK);
  sqlite3_exec(other, "BEGIN IMMEDIATE; DELETE FROM usage_by_day;", nullptr, nullptr, nullptr);
  // What the disk holds at this moment is what a killed process leaves.
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(file.path().string() + suffix, copy.path().string() + suffix);
  }
  sqlite3_close(other);
  auto revived = UsageStore::open(copy.path());
  ASSERT_TRUE(revived.ok()) << revived.status().to_string();
  EXPECT_EQ((*revived)->query({.from = kDay, .to = kDay})->rows.size(), 1u);
}

TEST(UsageWriter, WritesInBatchesAndCountsDrops) {
  TempFile file;
  auto store = UsageStore::open(file.path());
  UsageWriter writer(std::move(*store), {.max_queued = 4, .flush_interval = std::chrono::hours(1)});
  std::uint64_t refused = 0;
  for (int i = 0; i < 100; ++i) refused += writer.add(record("a", "m")) ? 0 : 1;
  writer.flush();
  EXPECT_EQ(writer.num_dropped(), refused);
  EXPECT_EQ(writer.num_written() + refused, 100u);
  EXPECT_EQ(writer.num_lost(), 0u);
  auto reader = UsageStore::open(file.path());
  const auto answer = (*reader)->query({.from = kDay, .to = kDay});
  ASSERT_EQ(answer->rows.size(), 1u);
  EXPECT_EQ(answer->rows[0].requests, writer.num_written());
}

TEST(UsageQuery, Parameters) {
  const WallTime now = WallTime(kDay) + std::chrono::hours(5);
  const auto defaults = parse_usage_query("", now);
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(to_string(defaults->from), "2026-11-01");
  EXPECT_EQ(to_string(defaults->to), "2026-11-29");
  const auto all = parse_usage_query("from=2026-01-02&to=2026-01-03&key=team%20a&model=a+b", now);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->key_id, "team a");
  EXPECT_EQ(all->model, "a b");
  for (const char* bad : {"from=2026-13-01", "to=yesterday", "from=2026-02-30", "x=1",
                          "from=2026-02-02&to=2026-02-01", "from=2026-01-011"}) {
    EXPECT_EQ(parse_usage_query(bad, now).status().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(UsageQuery, Json) {
  auto store = UsageStore::open(":memory:");
  const auto one = record("a", "m\xff");
  ASSERT_TRUE((*store)->write({&one, 1}).ok());
  const auto json = answer_usage(**store, "from=2026-11-29", WallTime(kDay));
  ASSERT_TRUE(json.ok()) << json.status().to_string();
  EXPECT_EQ(
      *json,
      R"({"from":"2026-11-29","to":"2026-11-29","truncated":false,"totals":{"requests":1,)"
      R"("failed":0,"input_tokens":10,"cached_input_tokens":4,"cache_creation_input_tokens":1,)"
      R"("output_tokens":20,"reasoning_tokens":5,"total_tokens":30,"cost":7},"data":[{)"
      R"("day":"2026-11-29","key":"a","model":"m)"
      "\xef\xbf\xbd"
      R"(","route":"r","backend":"b","requests":1,)"
      R"("failed":0,"input_tokens":10,"cached_input_tokens":4,"cache_creation_input_tokens":1,)"
      R"("output_tokens":20,"reasoning_tokens":5,"total_tokens":30,"cost":7}]})");
}

}  // namespace
}  // namespace nacelle::gateway::ai
