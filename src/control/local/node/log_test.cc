#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "control/core/pod/time_text.h"
#include "control/local/node/log_reader.h"
#include "control/local/node/log_writer.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
using WallTime = std::chrono::system_clock::time_point;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              fmt::format("container_log_{}_{}", ::getpid(),
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  LogWriter writer(std::uint64_t bytes = 1 << 20, int files = 5) {
    LogWriter out(folder_ / "0.log", bytes, files);
    EXPECT_TRUE(out.open().ok());
    return out;
  }
  std::string read(LogOptions options = {}, std::size_t piece = 1 << 20) {
    LogReader reader(folder_ / "0.log", std::move(options));
    std::string out;
    for (std::string text; !(text = reader.next(piece)).empty();) out += text;
    return out;
  }

  fs::path folder_;
  const WallTime noon_ = *pod::parse_rfc3339("2026-11-21T12:00:00Z");
};

TEST_F(LogTest, JoinsPiecesAndKeepsStreamsApart) {
  LogWriter log = writer();
  log.append(LogWriter::Stream::kOut, "be", noon_);
  log.append(LogWriter::Stream::kErr, "error\n", noon_);
  log.append(LogWriter::Stream::kOut, "gin\nnext\nun", noon_);
  EXPECT_EQ(read(), "error\nbegin\nnext\n");
  log.finish(LogWriter::Stream::kOut, noon_);
  EXPECT_EQ(read(), "error\nbegin\nnext\nun\n");
  EXPECT_EQ(read({.timestamps = true, .tail = 1}), "2026-11-21T12:00:00.000000000Z un\n");
}

TEST_F(LogTest, LongLinesComeBackWhole) {
  LogWriter log = writer();
  const std::string longer(3 * LogWriter::kMaxLine + 7, 'x');
  log.append(LogWriter::Stream::kOut, "a\n" + longer + "\nb\n", noon_);
  EXPECT_EQ(read(), "a\n" + longer + "\nb\n");
  EXPECT_EQ(read({.tail = 2}), longer + "\nb\n");
  const std::string timed = read({.timestamps = true});
  EXPECT_EQ(std::count(timed.begin(), timed.end(), 'Z'), 3);
}

TEST_F(LogTest, SinceTailAndLimit) {
  LogWriter log = writer();
  for (int i = 0; i < 10; ++i) {
    log.append(LogWriter::Stream::kOut, std::to_string(i) + "\n", noon_ + std::chrono::seconds(i));
  }
  EXPECT_EQ(read({.since = noon_ + std::chrono::seconds(7)}), "7\n8\n9\n");
  EXPECT_EQ(read({.tail = 2, .since = noon_ + std::chrono::seconds(3)}), "8\n9\n");
  EXPECT_EQ(read({.tail = 0}), "");
  EXPECT_EQ(read({.tail = 100}), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  EXPECT_EQ(read({.limit_bytes = 5}), "0\n1\n2");
  EXPECT_EQ(last_log_lines(folder_ / "0.log", 90), "8\n9\n");
}

TEST_F(LogTest, MissingFileIsEmptyAndFollowedOnceItIsThere) {
  LogReader reader(folder_ / "0.log", {});
  EXPECT_EQ(reader.next(100), "");
  LogWriter log = writer();
  log.append(LogWriter::Stream::kOut, "first\n", noon_);
  EXPECT_EQ(reader.next(100), "first\n");
}

// Against a list of lines: a reader that follows a log which rotates all the time misses nothing
// that was there when it looked, and what lies in the files is the end of all lines.
TEST_F(LogTest, FollowsAcrossRotations) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    LogWriter log = writer(400, 3);
    LogReader reader(folder_ / "0.log", {});
    std::string all, followed;
    for (int i = 0; i < 500; ++i) {
      const std::string line =
          fmt::format("{} {}\n", i, std::string(random() % 40, static_cast<char>('a' + i % 26)));
      log.append(LogWriter::Stream::kOut, line, noon_);
      all += line;
      if (random() % 3 == 0) followed += reader.next(1 + random() % 100);
      // Three files of 400 bytes hold at least two lines more than a reader may fall behind here.
      if (random() % 2 == 0) {
        for (std::string text; !(text = reader.next(50)).empty();) followed += text;
      }
    }
    for (std::string text; !(text = reader.next(50)).empty();) followed += text;
    EXPECT_TRUE(all.ends_with(read()));
    EXPECT_FALSE(read().empty());
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_)) ++files;
    EXPECT_EQ(files, 3u);
    // Who falls behind by more than the files that are kept loses lines, but never order or parts.
    std::size_t at = 0;
    for (std::size_t begin = 0; begin < followed.size();) {
      const std::size_t end = followed.find('\n', begin) + 1;
      const std::size_t found = all.find(followed.substr(begin, end - begin), at);
      ASSERT_NE(found, std::string::npos);
      at = found + end - begin;
      begin = end;
    }
    EXPECT_GT(followed.size(), all.size() / 2);
    EXPECT_TRUE(followed.ends_with("\n"));
  }
}

}  // namespace
}  // namespace nacelle::control::node
