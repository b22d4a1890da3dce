// store_property_test.cc: random operations on the store against a slow, obvious model.
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <random>

#include "async/runtime.h"
#include "kube/store/store_test_util.h"

namespace nacelle::kube {
namespace {

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
    if (current != nullptr) {
      ASSERT_EQ(current->json["value"], state[key]);
    }
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

}  // namespace
}  // namespace nacelle::kube
