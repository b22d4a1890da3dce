// The subscriber against publishers of the test, over real sockets.
#include <gtest/gtest.h>

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "kv_events/event_encoder.h"
#include "router/kv_events/event_subscriber.h"
#include "router/kv_events/kv_metrics.h"

namespace nacelle::router {
namespace {

using kv_events::EventEncoder;
using kv_events::EventForm;
using kv_events::HashForm;
using kv_events::ZmqSocket;
using Keys = std::vector<std::uint64_t>;

// Polls; the bound only decides how long a failing test hangs.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// An engine's publisher, as far as the wire shows it. Replays are answered by pump().
class Publisher {
 public:
  explicit Publisher(std::string live = "tcp://127.0.0.1:*",
                     std::string replay = "tcp://127.0.0.1:*") {
    pub_ = ZmqSocket::open(context_, ZMQ_PUB).value();
    EXPECT_TRUE(pub_.bind(live).ok());
    router_ = ZmqSocket::open(context_, ZMQ_ROUTER).value();
    EXPECT_TRUE(router_.bind(replay).ok());
  }
  [[nodiscard]] std::string live() const { return pub_.last_endpoint(); }
  [[nodiscard]] std::string replay() const { return router_.last_endpoint(); }

  void store(const Keys& keys, bool lost = false) {
    EventEncoder encoder(EventForm::kMap, HashForm::kNumber);
    encoder.begin();
    std::vector<std::string> bytes;
    for (const auto key : keys) bytes.push_back(kv_events::to_big_endian(key));
    std::vector<kv_events::Digest> digests;
    for (const auto& one : bytes) {
      digests.emplace_back(reinterpret_cast<const std::uint8_t*>(one.data()), one.size());
    }
    const std::vector<TokenId> tokens(keys.size() * 4, 1);
    encoder.stored({.hashes = digests, .tokens = tokens, .block_size = 4});
    send(encoder.finish(0, 0), lost);
  }
  void send(std::string payload, bool lost = false) {
    const std::string number = kv_events::to_big_endian(sequence++);
    const std::array<std::string_view, 3> parts{topic, number, payload};
    if (!lost) pub_.send(parts);
    sent_.push_back(std::move(payload));
  }
  // Answers what was asked; with `silent`, not.
  void pump(bool silent = false) {
    while (const auto request = router_.receive()) {
      ++num_asked;
      if (silent) continue;
      const auto first = kv_events::from_big_endian((*request)[2].bytes()).value();
      for (std::uint64_t i = std::max(first, forgotten); i < sent_.size(); ++i) {
        answer(*request, i, sent_[i]);
      }
      answer(*request, UINT64_MAX, "");
    }
  }
  std::string topic = "kv@here@model";
  std::uint64_t sequence = 0, forgotten = 0;
  int num_asked = 0;

 private:
  void answer(const kv_events::ZmqMessage& request, std::uint64_t number,
              std::string_view payload) {
    const std::string bytes = kv_events::to_big_endian(number);
    const std::array<std::string_view, 4> parts{request[0].text(), "", bytes, payload};
    router_.send(parts);
  }
  kv_events::ZmqContext context_;
  ZmqSocket pub_, router_;
  std::vector<std::string> sent_;
};

class Following : public ::testing::Test {
 protected:
  void follow(std::vector<EventSource> sources, KeySpace space = {}) {
    space.block_size_tokens = 4;
    auto started = EventSubscriber::start(config, space, index);
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    subscriber = std::move(*started);
    subscriber->set_sources(std::move(sources));
  }
  std::uint32_t held(const Keys& keys, std::uint32_t endpoint = 0) {
    std::vector<PreciseMatch> out(endpoint + 1);
    index.match(keys, scratch, out);
    return out[endpoint].blocks;
  }
  const SubscriberStats& stats() { return subscriber->stats(); }

  SubscriberConfig config{.reconnect_delay = std::chrono::milliseconds(20),
                          .replay_idle_limit = std::chrono::milliseconds(300)};
  SharedPreciseIndex index{PreciseIndex::Options{}};
  MatchScratch scratch;
  std::unique_ptr<EventSubscriber> subscriber;
};

TEST_F(Following, AReplayBringsWhatWasSentBeforeAndLiveEventsFollow) {
  Publisher publisher;
  publisher.store({1, 2});
  publisher.store({3});
  follow({{EndpointId{0}, publisher.live(), publisher.replay(), {}}});
  EXPECT_TRUE(eventually([&] {
    publisher.pump();
    return held({1, 2, 3}) == 3;
  }));
  EXPECT_TRUE(eventually([&] { return stats().replays_done.load() == 1; }));
  publisher.store({4});
  EXPECT_TRUE(eventually([&] { return held({1, 2, 3, 4}) == 4; }));
  EXPECT_EQ(stats().gaps.load(), 0u);
  EXPECT_EQ(stats().subscribers.load(), 1u);
}

TEST_F(Following, AGapIsReplayed) {
  Publisher publisher;
  follow({{EndpointId{0}, publisher.live(), publisher.replay(), {}}});
  ASSERT_TRUE(eventually([&] {
    publisher.pump();
    return stats().replays_done.load() == 1;
  }));
  publisher.store({1});
  ASSERT_TRUE(eventually([&] { return held({1}) == 1; }));
  publisher.store({2}, /*lost=*/true);
  publisher.store({3});
  EXPECT_TRUE(eventually([&] {
    publisher.pump();
    return held({1, 2, 3}) == 3;
  }));
  EXPECT_EQ(stats().gaps.load(), 1u);
  EXPECT_EQ(stats().resets.load(), 0u);
}

TEST_F(Following, AGapWithoutReplayDropsWhatWasKnown) {
  Publisher publisher;
  follow({{EndpointId{0}, publisher.live(), "", {}}});
  ASSERT_TRUE(eventually([&] { return stats().subscribers.load() == 1; }));
  // The subscription arrives some time after the handshake.
  ASSERT_TRUE(eventually([&] {
    publisher.store({1});
    return held({1}) == 1;
  }));
  publisher.store({2}, /*lost=*/true);
  publisher.store({3});
  EXPECT_TRUE(eventually([&] { return held({3}) == 1; }));
  EXPECT_EQ(held({1}), 0u);
  EXPECT_EQ(held({2}), 0u);
}

TEST_F(Following, ASilentReplayEndsAndLiveEventsGoOn) {
  Publisher publisher;
  publisher.store({1});
  follow({{EndpointId{0}, publisher.live(), publisher.replay(), {}}});
  EXPECT_TRUE(eventually([&] {
    publisher.pump(/*silent=*/true);
    return stats().replays_failed.load() == 1;
  }));
  EXPECT_TRUE(eventually([&] {
    publisher.store({2});
    return held({2}) == 1;
  }));
  EXPECT_EQ(stats().pending_messages.load(), 0u);
}

TEST_F(Following, WhatTheReplayHasForgottenIsNotClaimed) {
  Publisher publisher;
  follow({{EndpointId{0}, publisher.live(), publisher.replay(), {}}});
  ASSERT_TRUE(eventually([&] {
    publisher.pump();
    return stats().replays_done.load() == 1;
  }));
  publisher.store({1});
  ASSERT_TRUE(eventually([&] { return held({1}) == 1; }));
  for (std::uint64_t i = 2; i < 6; ++i) publisher.store({i}, /*lost=*/true);
  publisher.forgotten = 4;
  publisher.store({9});
  EXPECT_TRUE(eventually([&] {
    publisher.pump();
    return held({9}) == 1 && held({5}) == 1;
  }));
  EXPECT_EQ(held({1}), 0u);
}

TEST_F(Following, ARestartedEngineBeginsEmpty) {
  auto publisher = std::make_unique<Publisher>();
  const std::string live = publisher->live(), replay = publisher->replay();
  follow({{EndpointId{0}, live, replay, {}}});
  ASSERT_TRUE(eventually([&] {
    publisher->pump();
    return stats().replays_done.load() == 1;
  }));
  publisher->store({1});
  ASSERT_TRUE(eventually([&] { return held({1}) == 1; }));
  publisher.reset();
  EXPECT_TRUE(eventually([&] { return held({1}) == 0; }));
  publisher = std::make_unique<Publisher>(live, replay);
  publisher->store({5});
  publisher->store({6});  // its numbers fit those of the old one
  EXPECT_TRUE(eventually([&] {
    publisher->pump();
    return held({5, 6}) == 2;
  }));
  EXPECT_EQ(held({1}), 0u);
  EXPECT_GE(stats().reconnections.load(), 1u);
}

TEST_F(Following, AnEndpointThatLeavesLosesItsEntries) {
  Publisher a, b;
  a.store({1});
  b.store({1});
  const EventSource of_a{EndpointId{0}, a.live(), a.replay(), {}};
  const EventSource of_b{EndpointId{1}, b.live(), b.replay(), {}};
  follow({of_a, of_b});
  ASSERT_TRUE(eventually([&] {
    a.pump(), b.pump();
    return held({1}) == 1 && held({1}, 1) == 1;
  }));
  subscriber->set_sources({of_b});
  EXPECT_TRUE(eventually([&] { return held({1}) == 0; }));
  EXPECT_EQ(held({1}, 1), 1u);
}

TEST_F(Following, GarbageDropsTheEntriesAndIsCounted) {
  Publisher publisher;
  follow({{EndpointId{0}, publisher.live(), publisher.replay(), {}}});
  ASSERT_TRUE(eventually([&] {
    publisher.pump();
    return stats().replays_done.load() == 1;
  }));
  publisher.store({1});
  ASSERT_TRUE(eventually([&] { return held({1}) == 1; }));
  publisher.send("\x93\xff");
  EXPECT_TRUE(eventually([&] { return held({1}) == 0; }));
  EXPECT_EQ(stats().bad_messages.load(), 1u);
  publisher.store({2});
  EXPECT_TRUE(eventually([&] { return held({2}) == 1; }));
}

TEST_F(Following, MoreReplaysThanPlacesTakeTurns) {
  config.max_concurrent_replays = 2;
  std::deque<Publisher> publishers(7);
  std::vector<EventSource> sources;
  for (std::uint32_t i = 0; i < publishers.size(); ++i) {
    publishers[i].store({i + 1u});
    sources.push_back({EndpointId{i}, publishers[i].live(), publishers[i].replay(), {}});
  }
  follow(sources);
  EXPECT_TRUE(eventually([&] {
    for (Publisher& one : publishers) one.pump();
    return stats().replays_done.load() == 7;
  }));
  for (std::uint32_t i = 0; i < publishers.size(); ++i) EXPECT_EQ(held({i + 1u}, i), 1u);
}

TEST_F(Following, EnginesMayConnectToUs) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("nacelle-kv-test-" + std::to_string(::getpid())))
          .string();
  config.bind_address = "ipc://" + path;
  follow({{EndpointId{3}, "", "", {"10.0.0.9:8000"}}});
  kv_events::ZmqContext context;
  ZmqSocket pub = ZmqSocket::open(context, ZMQ_PUB).value();
  ASSERT_TRUE(pub.connect(config.bind_address).ok());
  std::uint64_t sequence = 0;
  EventEncoder encoder(EventForm::kArray, HashForm::kNumber);
  const std::string key = kv_events::to_big_endian(11);
  const kv_events::Digest digest(reinterpret_cast<const std::uint8_t*>(key.data()), 8);
  const std::vector<TokenId> tokens(4, 1);
  EXPECT_TRUE(eventually([&] {
    encoder.begin();
    encoder.stored({.hashes = std::span(&digest, 1), .tokens = tokens, .block_size = 4});
    const std::string number = kv_events::to_big_endian(sequence++), payload = encoder.finish(0, 0);
    const std::array<std::string_view, 3> parts{"kv@10.0.0.9:8000@m", number, payload};
    pub.send(parts);
    return held({11}, 3) == 1;
  }));
  std::filesystem::remove(path);
}

TEST_F(Following, SpeculationReachesTheIndexAndMetricsTellBothNames) {
  follow({});
  index.speculate(EndpointId{2}, {1, 2, 3},
                  std::chrono::steady_clock::now() + std::chrono::hours(1));
  subscriber->wake();
  EXPECT_TRUE(eventually([&] { return held({1, 2, 3}, 2) == 3; }));
  telemetry::Metrics metrics;
  KvMetrics kv(metrics);
  metrics.add_collector(
      [&](telemetry::Snapshot& out) { KvMetrics::collect(out, {}, index, subscriber.get()); });
  kv.observe_lookup(std::chrono::microseconds(3));
  const std::string text = metrics.serialize();
  for (const char* line :
       {"llm_d_epp_kv_cache_index_admissions_total 3", "kvcache_index_admissions_total 3",
        "kvcache_index_lookup_latency_seconds_count 1",
        "llm_d_epp_kv_cache_events_active_subscribers 0",
        "kvcache_kvevents_messages_received_total 0",
        "llm_d_epp_kv_cache_index_lookup_hits_total "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << '\n' << text;
  }
}

TEST(RequestKeys, EventsOfAnyEngineMapToTheSameKeys) {
  // Annex A of router.md: tokens 1..32, block size 16, model m; the engine's own hashes are 100,
  // 200.
  const KeySpace space{
      .kind = KeyKind::kRequestKey, .block_size_tokens = 16, .seed = "", .model = "m"};
  RequestKeyMap map(space);
  std::vector<TokenId> tokens(32);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i + 1);
  const Keys engine = {100, 200};
  Keys keys;
  ASSERT_TRUE(map.stored({.hashes = std::span(engine).first(1),
                          .tokens = std::span(tokens).first(16),
                          .block_size = 16},
                         keys));
  EXPECT_EQ(keys, (Keys{0xfccf55888d5ee3d5u}));
  ASSERT_TRUE(map.stored({.hashes = std::span(engine).last(1),
                          .parent = 100,
                          .tokens = std::span(tokens).last(16),
                          .block_size = 16},
                         keys));
  EXPECT_EQ(keys, (Keys{0x1f279613e611c44au}));
  EXPECT_FALSE(
      map.stored({.hashes = engine, .parent = 999, .tokens = tokens, .block_size = 16}, keys));
  EXPECT_FALSE(map.stored(
      {.hashes = engine, .tokens = std::span(tokens).first(31), .block_size = 16}, keys));
  map.removed({engine}, keys);
  EXPECT_EQ(keys, (Keys{0xfccf55888d5ee3d5u, 0x1f279613e611c44au}));
  map.removed({engine}, keys);
  EXPECT_TRUE(keys.empty());
  // An engine with blocks of 32 tokens: two keys each.
  ASSERT_TRUE(
      map.stored({.hashes = std::span(engine).first(1), .tokens = tokens, .block_size = 32}, keys));
  EXPECT_EQ(keys, (Keys{0xfccf55888d5ee3d5u, 0x1f279613e611c44au}));
  EXPECT_EQ(map.size(), 2u);
}

TEST(SequenceTracker, Verdicts) {
  using V = SequenceTracker::Verdict;
  SequenceTracker tracker;
  EXPECT_EQ(tracker.judge(4), V::kJoined);
  tracker.applied(6);  // a replay went further than the live socket
  EXPECT_EQ(tracker.judge(5), V::kDuplicate);
  EXPECT_EQ(tracker.judge(6), V::kDuplicate);
  EXPECT_EQ(tracker.judge(7), V::kApply);
  tracker.applied(7);
  EXPECT_EQ(tracker.judge(9), V::kGap);
  EXPECT_EQ(tracker.judge(9), V::kRestarted);
  EXPECT_EQ(tracker.judge(0), V::kRestarted);
  tracker.reset();
  EXPECT_EQ(tracker.judge(0), V::kApply);
}

}  // namespace
}  // namespace nacelle::router
