#include "control/local/range_claim.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>
#include <optional>

#include "base/file.h"
#include "net/testing/test_folder.h"

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;

TEST(LoopbackRange, PartsOfClustersAreApart) {
  EXPECT_EQ(LoopbackRange{0}.pods(0), "127.64.0.0/20");
  EXPECT_EQ(LoopbackRange{0}.services(), "127.96.0.0/20");
  EXPECT_EQ(LoopbackRange{15}.pods(31), "127.95.240.0/20");
  EXPECT_EQ(LoopbackRange{15}.services(), "127.96.240.0/20");
}

class RangeClaimTest : public ::testing::Test {
 protected:
  // Names of this process alone: clusters that run beside the test do not count.
  Result<RangeClaim> take(const fs::path& folder) { return RangeClaim::take(folder, names_); }
  fs::path make_folder(const std::string& name) {
    const fs::path out = folder_.path() / name;
    fs::create_directories(out);
    return out;
  }
  int index_of(const fs::path& folder) {
    const Result<RangeClaim> claim = take(folder);
    return claim.ok() ? claim->range().index : -1;
  }

  const std::string names_ = fmt::format("nacelle-test/{}", ::getpid());
  net::testing::TestFolder folder_;
};

TEST_F(RangeClaimTest, EachTakesTheFirstFreeOneAndComesBackToIt) {
  const fs::path a = make_folder("a"), b = make_folder("b"), c = make_folder("c");
  std::optional<Result<RangeClaim>> first = take(a), second = take(b);
  ASSERT_TRUE(first->ok()) << first->error().message();
  EXPECT_EQ((*first)->range().index, 0);
  EXPECT_EQ((*second)->range().index, 1);
  second.reset();
  first.reset();
  EXPECT_EQ(index_of(b), 1);
  EXPECT_EQ(index_of(a), 0);
  EXPECT_EQ(index_of(c), 0);  // nobody has it now
}

TEST_F(RangeClaimTest, WhatAFolderHadMayBeAnothersByNow) {
  const fs::path a = make_folder("a"), b = make_folder("b");
  ASSERT_EQ(index_of(a), 0);
  const auto other = take(b);
  ASSERT_EQ(other->range().index, 0);
  EXPECT_EQ(index_of(a), 1);
  EXPECT_EQ(index_of(a), 1);  // it stays there
}

TEST_F(RangeClaimTest, AFolderIsOneProcesss) {
  const fs::path a = make_folder("a");
  const auto claim = take(a);
  ASSERT_TRUE(claim.ok());
  const auto again = take(a);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::kUnavailable);
  EXPECT_NE(again.error().message().find(a.string()), std::string::npos);
}

TEST_F(RangeClaimTest, ContainersKeepTheRangeForTheirFolder) {
  const fs::path a = make_folder("a"), b = make_folder("b");
  Result<OwnedFd> container = [&]() -> Result<OwnedFd> {
    ASSIGN_OR_RETURN(const RangeClaim claim, take(a));
    return hold_name(claim.holder() + "/77");
  }();
  ASSERT_TRUE(container.ok()) << container.error().message();
  EXPECT_EQ(index_of(b), 1);
  EXPECT_EQ(index_of(a), 0);
  // A copy has the file, and is another folder.
  const fs::path copy = make_folder("copy");
  fs::copy(a, copy, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  EXPECT_EQ(index_of(copy), 1);
  container = not_found("it ended");
  EXPECT_EQ(index_of(make_folder("c")), 0);
}

TEST_F(RangeClaimTest, AProcessThatIsEndingIsWaitedForWhereItsContainersAre) {
  const fs::path a = make_folder("a");
  ASSERT_EQ(index_of(a), 0);
  std::string holder;
  {
    const auto claim = take(a);
    ASSERT_TRUE(claim.ok());
    holder = claim->holder();
  }
  const auto container = hold_name(holder + "/77");
  ASSERT_TRUE(container.ok());
  // The lock of the folder is free already, its name is not.
  std::optional<Result<OwnedFd>> ending = hold_name(names_ + "/0");
  ASSERT_TRUE(ending->ok());
  auto next = std::async(std::launch::async, [&] { return index_of(a); });
  EXPECT_EQ(next.wait_for(30ms), std::future_status::timeout);
  ending.reset();
  EXPECT_EQ(next.get(), 0);
}

TEST_F(RangeClaimTest, AProcessThatIsKilledLeavesNothingBehind) {
  const fs::path a = make_folder("a"), b = make_folder("b");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<RangeClaim> claim = take(a);
    const char word = claim.ok() && claim->range().index == 0 ? 'y' : 'n';
    (void)!::write(ready[1], &word, 1);
    for (;;) ::pause();
  }
  char word = 0;
  ASSERT_EQ(::read(ready[0], &word, 1), 1);
  EXPECT_EQ(word, 'y');
  EXPECT_EQ(index_of(b), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(index_of(make_folder("c")), 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(RangeClaimTest, AllInUseIsSaid) {
  std::vector<RangeClaim> claims;
  for (int i = 0; i < LoopbackRange::kCount; ++i) {
    auto claim = take(make_folder(std::to_string(i)));
    ASSERT_TRUE(claim.ok());
    EXPECT_EQ(claim->range().index, i);
    claims.push_back(std::move(*claim));
  }
  const auto late = take(make_folder("late"));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Code::kResourceExhausted);
  EXPECT_FALSE(take(folder_.path() / "nowhere").ok());
}

TEST_F(RangeClaimTest, AFileThatSaysNothingIsAFreshFolder) {
  const fs::path a = make_folder("a");
  for (const char* text : {"", "x", "-1", "16", "999999999999"}) {
    ASSERT_TRUE(write_file_atomically(a / "loopback-range", text).ok());
    EXPECT_EQ(index_of(a), 0) << text;
  }
}

}  // namespace
}  // namespace nacelle::control
