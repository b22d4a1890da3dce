#include "model/packed_cache.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "model/causal_lm.h"
#include "model/testing/packed_cache_events.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using Events = testing::PackedCacheEvents;
using Kind = PackedCacheEvent::Kind;
using Mode = PackedCacheOptions::Mode;

const fs::path kCheckpoint = NACELLE_TESTDATA "/model/goldens/qwen2_window12_sharded_bf16";

class PackedCacheTest : public ::testing::Test {
 protected:
  PackedCacheTest() {
    fs::create_directories(model_);
    for (const auto& entry : fs::directory_iterator(kCheckpoint)) {
      fs::copy_file(entry.path(), model_ / entry.path().filename());
    }
  }

  LoadOptions options(Events& events) const {
    LoadOptions out;
    out.packed_cache.mode = Mode::kFolder;
    out.packed_cache.folder = caches_;
    out.packed_cache.report = [&](const PackedCacheEvent& event) { events.add(event); };
    return out;
  }

  std::unique_ptr<CausalLm> load(const LoadOptions& options) {
    auto model = CausalLm::load(model_, options, pool_);
    EXPECT_TRUE(model.ok()) << model.error().to_string();
    return std::move(*model);
  }

  std::vector<float> logits(CausalLm& model) {
    testing::SequenceRunner runner(model, 16, 1, 32);
    return runner.run(0, std::vector<TokenId>{1, 5, 9, 2, 7, 3}, 4);
  }

  // Loads until the file is there, and returns where it is.
  fs::path write_cache() {
    Events events;
    const auto model = load(options(events));
    return events.wait_for(Kind::kWritten).file;
  }

  static std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.path().filename() != "lock") {
        out.push_back(entry.path());
      }
    }
    return out;
  }

  static void overwrite(const fs::path& path, std::uint64_t at, std::string_view bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
    ASSERT_TRUE(file.good());
  }

  const testing::TemporaryFolder folder_;
  const fs::path model_ = folder_.path() / "model";
  const fs::path caches_ = folder_.path() / "caches";
  kernels::WorkerPool pool_{2};
};

TEST_F(PackedCacheTest, MappedWeightsGiveTheSameBits) {
  const std::vector<float> expected = logits(*load({}));
  Events first_events, second_events;
  const auto first = load(options(first_events));
  EXPECT_EQ(logits(*first), expected);
  const PackedCacheEvent written = first_events.wait_for(Kind::kWritten);
  EXPECT_EQ(written.bytes, fs::file_size(written.file));
  EXPECT_EQ(files_in(caches_), std::vector{written.file});

  const auto second = load(options(second_events));
  EXPECT_EQ(second_events.wait_for(Kind::kMapped).file, written.file);
  EXPECT_EQ(second_events.count(Kind::kWritten), 0u);
  EXPECT_EQ(logits(*second), expected);
  // The writer's own matrices are the mapping by now, and it keeps them when the file goes.
  fs::remove(written.file);
  const std::vector<TokenId> tokens = {1, 5, 9, 2, 7, 3};
  const std::vector<std::uint32_t> table = {1, 2}, rows = {5};
  const SequenceChunk chunk{.num_tokens = 6, .block_table = table};
  std::vector<float> last(first->config().vocab_size);
  first->forward({.tokens = tokens, .chunks = std::span(&chunk, 1), .logit_rows = rows}, last);
  EXPECT_TRUE(std::equal(last.begin(), last.end(),
                         expected.end() - static_cast<std::ptrdiff_t>(last.size())));
}

TEST_F(PackedCacheTest, KindsOfWeightsHaveFilesOfTheirOwn) {
  write_cache();
  Events of_f32, of_reference;
  LoadOptions f32 = options(of_f32);
  f32.dtype = DType::kF32;
  LoadOptions reference = options(of_reference);
  reference.isa = "reference";
  const auto a = load(f32);
  of_f32.wait_for(Kind::kWritten);
  const auto b = load(reference);
  of_reference.wait_for(Kind::kWritten);
  EXPECT_EQ(of_f32.count(Kind::kMapped) + of_reference.count(Kind::kMapped), 0u);
  EXPECT_EQ(files_in(caches_).size(), 3u);
}

TEST_F(PackedCacheTest, ReadsNoLargeTensorWhenMapped) {
  const fs::path file = write_cache();
  // Identities are believed before content: a wrong hash does not matter while they agree.
  auto header = PackedFile::open(file)->header();
  auto store = WeightStore::open(model_, pool_);
  ASSERT_TRUE(store.ok());
  const auto files = (*store)->files();
  const auto far_future = std::chrono::system_clock::now() + std::chrono::hours(1);
  header.sources = trusted_sources(files, far_future);
  header.content = {1, 2};
  ASSERT_TRUE(PackedFile::rewrite_header(file, header).ok());
  Events events;
  const auto model = load(options(events));
  EXPECT_EQ(events.count(Kind::kMapped), 1u);
}

TEST_F(PackedCacheTest, FilesChangedJustNowAreComparedByContent) {
  auto store = WeightStore::open(model_, pool_);
  ASSERT_TRUE(store.ok());
  const auto files = (*store)->files();
  ASSERT_EQ(files.size(), 3u);
  const std::chrono::system_clock::time_point changed{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(files[0].identity.changed_ns))};
  using std::chrono::seconds;
  EXPECT_EQ(trusted_sources(files, changed + seconds(1))[0].identity, FileIdentity());
  EXPECT_EQ(trusted_sources(files, changed + seconds(60))[0].identity, files[0].identity);
}

TEST_F(PackedCacheTest, AMovedOrTouchedCheckpointIsRecognised) {
  const fs::path file = write_cache();
  for (const auto& entry : fs::directory_iterator(model_)) {
    fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(5));
  }
  Events events;
  const auto model = load(options(events));
  EXPECT_EQ(events.count(Kind::kMapped), 1u);
}

TEST_F(PackedCacheTest, AChangedCheckpointIsPackedAgain) {
  const fs::path file = write_cache();
  const auto before = logits(*load({}));
  const auto shards = files_in(model_);
  for (const fs::path& shard : shards) {
    if (shard.extension() != ".safetensors") continue;
    overwrite(shard, fs::file_size(shard) - 2000, std::string(900, '\x3c'));  // same size
  }
  const auto expected = logits(*load({}));
  ASSERT_NE(before, expected);
  Events events;
  EXPECT_EQ(logits(*load(options(events))), expected);
  EXPECT_EQ(events.count(Kind::kMapped), 0u);
  EXPECT_EQ(events.wait_for(Kind::kRejected).why, "it was made of another checkpoint");
}

TEST_F(PackedCacheTest, AnotherConfigurationIsPackedAgain) {
  write_cache();
  Events events;
  LoadOptions changed = options(events);
  changed.hf_overrides_json = R"({"rope_theta": 5000.0})";
  const auto model = load(changed);
  EXPECT_EQ(events.count(Kind::kMapped), 0u);
  EXPECT_EQ(events.count(Kind::kRejected), 1u);
}

TEST_F(PackedCacheTest, BrokenFilesAreReplaced) {
  const auto expected = logits(*load({}));
  const fs::path file = write_cache();
  const auto size = fs::file_size(file);
  const auto spoil = [&](int how) {
    switch (how) {
      case 0:
        return overwrite(file, 200, "x");
      case 1:
        return fs::resize_file(file, size / 2);
      case 2:
        return fs::resize_file(file, 0);
      case 3:
        return fs::resize_file(file, size + 4096);
      case 4:
        return overwrite(file, 12, std::string("\xff\xff\xff\xff"));
      default:
        return overwrite(file, 0, "GARBAGE!");
    }
  };
  for (int how = 0; how < 6; ++how) {
    spoil(how);
    Events events;
    const auto model = load(options(events));
    EXPECT_EQ(events.count(Kind::kRejected), 1u) << how;
    EXPECT_EQ(logits(*model), expected) << how;
    events.wait_for(Kind::kWritten);
    EXPECT_EQ(fs::file_size(file), size) << how;
  }
}

TEST_F(PackedCacheTest, AFolderInTheWayOfTheFileIsNoReasonToFail) {
  const fs::path file = write_cache();
  fs::remove(file);
  fs::create_directories(file / "inside");
  Events events;
  const auto model = load(options(events));
  EXPECT_FALSE(events.wait_for(Kind::kSkipped).why.empty());
}

TEST_F(PackedCacheTest, AFullDiskLeavesNothingBehind) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 64 << 10;  // the first matrix lies behind it: the write fails like a full disk's
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Events events;
  const auto model = load(options(events));
  const PackedCacheEvent skipped = events.wait_for(Kind::kSkipped);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_NE(skipped.why.find("cannot write"), std::string::npos) << skipped.why;
  EXPECT_TRUE(files_in(caches_).empty());
}

TEST_F(PackedCacheTest, WithoutAWritableFolderTheFallbackServes) {
  Events events;
  LoadOptions automatic = options(events);
  automatic.packed_cache.mode = Mode::kAuto;
  automatic.packed_cache.fallback = caches_;
  EXPECT_NE(load(automatic), nullptr);
  EXPECT_FALSE(fs::exists(model_ / ".nacelle")) << "too small for auto";

  automatic.packed_cache.min_bytes = 1;
  std::ofstream(model_ / ".nacelle") << "a file where the folder would be";
  auto model = load(automatic);
  EXPECT_EQ(events.wait_for(Kind::kWritten).file.parent_path().parent_path(), caches_);
  model.reset();

  fs::remove(model_ / ".nacelle");
  fs::remove_all(caches_);
  Events beside;
  automatic.packed_cache.report = [&](const PackedCacheEvent& event) { beside.add(event); };
  model = load(automatic);
  EXPECT_EQ(beside.wait_for(Kind::kWritten).file.parent_path(), model_ / ".nacelle");
  model.reset();

  fs::remove_all(model_ / ".nacelle");
  std::ofstream(model_ / ".nacelle") << "a file";
  automatic.packed_cache.fallback.clear();
  model = load(automatic);
  EXPECT_EQ(beside.count(Kind::kSkipped), 1u);
}

TEST_F(PackedCacheTest, OfReplicasThatStartTogetherOneWrites) {
  const auto expected = logits(*load({}));
  constexpr int kReplicas = 6;
  Events events;
  LoadOptions shared = options(events);
  shared.packed_cache.max_wait = std::chrono::seconds(60);
  std::vector<std::unique_ptr<CausalLm>> models(kReplicas);
  std::vector<std::unique_ptr<kernels::WorkerPool>> pools;
  for (int i = 0; i < kReplicas; ++i) pools.push_back(std::make_unique<kernels::WorkerPool>(1));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kReplicas; ++i) {
      threads.emplace_back([&, i] {
        auto model = CausalLm::load(model_, shared, *pools[i]);
        if (model.ok()) models[i] = std::move(*model);
      });
    }
  }
  events.wait_for(Kind::kWritten);
  for (const auto& model : models) {
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(logits(*model), expected);
  }
  EXPECT_EQ(events.count(Kind::kWritten), 1u);
  EXPECT_EQ(events.count(Kind::kMapped), kReplicas - 1u);
}

TEST_F(PackedCacheTest, WhoWaitsTooLongPacksForItself) {
  const fs::path file = write_cache();
  fs::remove(file);
  const auto lock = FileLock::take(file.parent_path() / "lock");
  ASSERT_TRUE(lock.ok());
  Events events;
  LoadOptions impatient = options(events);
  impatient.packed_cache.max_wait = std::chrono::milliseconds(0);
  const auto model = load(impatient);
  EXPECT_EQ(events.count(Kind::kSkipped), 1u);
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(PackedCacheTest, LeftoversOfKilledWritersGo) {
  const fs::path file = write_cache();
  fs::remove(file);
  fs::path leftover = file;
  leftover += ".tmp.12345";
  std::ofstream(leftover) << "half";
  EXPECT_EQ(write_cache(), file);
  EXPECT_EQ(files_in(caches_), std::vector{file});
}

TEST_F(PackedCacheTest, AnEarlyEndGivesTheFileUp) {
  for (int i = 0; i < 5; ++i) {
    Events events;
    load(options(events)).reset();
    for (const fs::path& file : files_in(caches_)) EXPECT_TRUE(PackedFile::open(file).ok());
  }
}

}  // namespace
}  // namespace nacelle::model
