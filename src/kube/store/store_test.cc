#include "kube/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "async/runtime.h"

namespace nacelle::kube {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/nacelle-store-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Json object(const ObjectKey& key, int value, std::size_t padding = 0) {
  return {{"metadata", {{"name", key.name}, {"namespace", key.name_space}}},
          {"value", value},
          {"padding", std::string(padding, 'x')}};
}

Write put(const std::string& collection, const ObjectKey& key, std::uint64_t expected, int value) {
  return {.collection = collection, .key = key, .expected = expected, .object = object(key, value)};
}

std::unique_ptr<Store> open(const Folder& folder, StoreOptions options = {}) {
  options.folder = folder.path();
  auto store = Store::open(options);
  if (!store.ok()) ADD_FAILURE() << store.error().to_string();
  return std::move(*store);
}

// The slow, obvious model: the value of every object at every revision, and the list of changes.
struct Model {
  using State = std::map<ObjectKey, int>;
  std::map<std::string, State> now;
  struct Event {
    std::uint64_t revision;
    ObjectKey key;
    int before;  // -1: absent
    int after;   // -1: deleted
    friend bool operator==(const Event&, const Event&) = default;
  };
  std::map<std::string, std::vector<Event>> events;
  std::map<std::uint64_t, std::map<std::string, State>> past;
};

Model::Event event_of(const Change& change) {
  return {.revision = change.revision,
          .key = change.key,
          .before = change.before ? change.before->json["value"].get<int>() : -1,
          .after = change.deleted ? -1 : change.after->json["value"].get<int>()};
}

std::vector<ObjectPtr> all_pages(const Store& store, const std::string& collection,
                                 ListQuery query) {
  std::vector<ObjectPtr> out;
  for (;;) {
    const auto page = store.list(collection, query);
    if (!page.ok()) {
      ADD_FAILURE() << page.error().to_string();
      return out;
    }
    out.insert(out.end(), page->items.begin(), page->items.end());
    if (!page->more) return out;
    EXPECT_EQ(page->items.size(), query.limit);
    query.as_of = page->revision;
    query.after = key_of(out.back()->json);
  }
}

class Property {
 public:
  explicit Property(std::uint64_t seed) : random_(seed), runtime_(1) {
    runtime_.start();
    store_ = open(folder_);
    watch("a", 0);
  }

  void step() {
    const std::string collection = below(3) == 0 ? "b" : "a";
    const ObjectKey key{below(2) == 0 ? "n1" : "n2", "o" + std::to_string(below(6))};
    Model::State& state = model_.now[collection];
    const ObjectPtr current = store_->get(collection, key);
    ASSERT_EQ(current != nullptr, state.contains(key));
    if (current != nullptr) ASSERT_EQ(current->json["value"], state[key]);
    const bool stale = below(5) == 0;
    const std::uint64_t real = current ? current->revision : 0;
    const bool remove = current != nullptr && below(3) == 0;
    Write write = put(collection, key, stale ? real + 1000 : real, static_cast<int>(below(100)));
    write.remove = remove;
    const int value = write.object["value"].get<int>();
    const std::uint64_t before = store_->revision();
    const WriteOutcome outcome = store_->write_blocking(std::move(write));
    if (stale) {
      ASSERT_FALSE(outcome.status.ok());
      ASSERT_EQ(store_->revision(), before) << "a refused write takes no number";
      return;
    }
    ASSERT_TRUE(outcome.status.ok()) << outcome.status.to_string();
    ASSERT_EQ(outcome.object->revision, before + 1);
    ASSERT_EQ(version_of(outcome.object->json), std::to_string(before + 1));
    ASSERT_EQ(outcome.object->bytes, outcome.object->json.dump());
    model_.events[collection].push_back({.revision = before + 1,
                                         .key = key,
                                         .before = current ? state[key] : -1,
                                         .after = remove ? -1 : value});
    if (remove) {
      state.erase(key);
    } else {
      state[key] = value;
    }
    model_.past[before + 1] = model_.now;
  }

  void check_lists() {
    for (const std::string collection : {"a", "b"}) {
      const std::uint64_t revision = pick_revision();
      for (const std::size_t limit : {0u, 1u, 2u, 3u}) {
        for (const std::string name_space : {"", "n1", "n2"}) {
          ListQuery query{.name_space = name_space, .limit = limit, .as_of = revision};
          if (below(2) == 0)
            query.filter = [](const StoredObject& o) { return o.json["value"] > 50; };
          Model::State wanted;
          for (const auto& [key, value] : model_.past[revision][collection]) {
            if (!name_space.empty() && key.name_space != name_space) continue;
            if (query.filter && value <= 50) continue;
            wanted[key] = value;
          }
          Model::State got;
          ObjectKey last;
          for (const ObjectPtr& item : all_pages(*store_, collection, query)) {
            const ObjectKey key = key_of(item->json);
            EXPECT_LT(last, key) << "in order, each once";
            last = key;
            got[key] = item->json["value"];
          }
          ASSERT_EQ(got, wanted) << collection << " at " << revision << " limit " << limit;
        }
      }
    }
  }

  // Every subscription, begun anywhere, sees what the model says, once and in order.
  void check_watches() {
    for (Feed& feed : feeds_) {
      for (;;) {
        auto changes = async::run_blocking(runtime_.loop(0),
                                           feed.subscription->next(1 + below(4), TimePoint::min()));
        ASSERT_TRUE(changes.ok()) << changes.error().to_string();
        if (changes->empty()) break;
        for (const ChangePtr& change : *changes) feed.seen.push_back(event_of(*change));
        ASSERT_EQ(feed.subscription->position() >= feed.seen.back().revision, true);
      }
      std::vector<Model::Event> wanted;
      for (const Model::Event& event : model_.events[feed.collection]) {
        if (event.revision > feed.from) wanted.push_back(event);
      }
      ASSERT_EQ(feed.seen, wanted) << feed.collection << " from " << feed.from;
    }
  }

  void begin_watch() {
    if (feeds_.size() < 12) watch(below(2) == 0 ? "a" : "b", pick_revision());
  }

  void compact() {
    store_->compact();
    feeds_.clear();
    const std::uint64_t now = store_->revision();
    for (auto past = model_.past.begin(); past != model_.past.end();) {
      past = past->first < now ? model_.past.erase(past) : std::next(past);
    }
    if (now > 0) {
      EXPECT_EQ(store_->subscribe(runtime_.loop(0), "a", now - 1).error().code(),
                Code::kOutOfRange);
      EXPECT_EQ(store_->list("a", {.as_of = now - 1}).error().code(), Code::kOutOfRange);
    }
  }

  void restart() {
    const std::uint64_t revision = store_->revision();
    feeds_.clear();
    store_.reset();
    store_ = open(folder_);
    ASSERT_EQ(store_->revision(), revision);
    compact();
  }

  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  struct Feed {
    std::string collection;
    std::uint64_t from;
    std::unique_ptr<Subscription> subscription;
    std::vector<Model::Event> seen;
  };

  std::uint64_t pick_revision() {
    if (model_.past.empty()) return 0;
    auto at = model_.past.begin();
    std::advance(at, below(model_.past.size()));
    return at->first;
  }

  void watch(const std::string& collection, std::uint64_t from) {
    auto subscription = store_->subscribe(runtime_.loop(0), collection, from);
    ASSERT_TRUE(subscription.ok()) << subscription.error().to_string();
    feeds_.push_back({collection, from, std::move(*subscription), {}});
  }

  Folder folder_;
  std::mt19937_64 random_;
  async::Runtime runtime_;
  std::unique_ptr<Store> store_;
  Model model_;
  std::vector<Feed> feeds_;
};

TEST(StoreProperty, RandomOperationsAgreeWithAModel) {
  const char* given = std::getenv("SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + (given != nullptr ? 1 : 4); ++seed) {
    SCOPED_TRACE("SEED=" + std::to_string(seed));
    Property property(seed);
    for (int i = 0; i < 150 && !testing::Test::HasFatalFailure(); ++i) {
      property.step();
      if (property.below(8) == 0) property.check_lists();
      if (property.below(4) == 0) property.begin_watch();
      if (property.below(6) == 0) property.check_watches();
      if (property.below(60) == 0) property.compact();
      if (property.below(60) == 0) property.restart();
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

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
  EXPECT_THAT(late.error().message(), testing::StartsWith("too old resource version: 0 ("));
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
  EXPECT_THAT(second.error().message(), testing::HasSubstr("is in use by another process"));
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
      EXPECT_THAT(store.error().message(), testing::HasSubstr("is damaged"));
      EXPECT_THAT(store.error().message(), testing::HasSubstr("a copy is kept as"));
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
