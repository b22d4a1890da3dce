#include "engine/events/event_publisher.h"

#include <gtest/gtest.h>

#include <thread>

#include "kv_events/event_decoder.h"

namespace nacelle::engine {
namespace {

using kv_events::ZmqMessage;
using kv_events::ZmqSocket;

BlockHash hash_of(std::uint8_t fill) {
  BlockHash hash{.size = 32};
  hash.bytes.fill(fill);
  return hash;
}

// Waits on a socket of the test; the bound only decides how long a failing test hangs.
std::optional<ZmqMessage> receive(ZmqSocket& socket) {
  zmq_pollitem_t item{socket.get(), 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, 20000) <= 0) return std::nullopt;
  return socket.receive();
}

std::uint64_t sequence_of(const ZmqMessage& message) {
  return kv_events::from_big_endian(message[1].bytes()).value_or(UINT64_MAX - 1);
}

struct Counter final : kv_events::EventSink {
  void on_stored(const kv_events::Stored& event) override { stored += event.hashes.size(); }
  void on_removed(const kv_events::Removed& event) override { removed += event.hashes.size(); }
  void on_all_cleared() override { ++cleared; }
  std::size_t stored = 0, removed = 0, cleared = 0;
};

KvEventsConfig local_config() {
  return {.enabled = true,
          .endpoint = "tcp://127.0.0.1:*",
          .replay_endpoint = "tcp://127.0.0.1:*",
          .buffer_steps = 3,
          .topic = "kv@here@model"};
}

class Subscriber {
 public:
  explicit Subscriber(const EventPublisher& publisher) {
    sub = std::move(ZmqSocket::open(context, ZMQ_SUB)).value();
    EXPECT_TRUE(sub.set(ZMQ_SUBSCRIBE, std::string_view("kv@")).ok());
    EXPECT_TRUE(sub.connect(publisher.endpoint()).ok());
    dealer = std::move(ZmqSocket::open(context, ZMQ_DEALER)).value();
    EXPECT_TRUE(dealer.connect(publisher.replay_endpoint()).ok());
  }
  void ask(std::uint64_t first) {
    const std::string number = kv_events::to_big_endian(first);
    const std::array<std::string_view, 2> parts{"", number};
    EXPECT_TRUE(dealer.send(parts));
  }

  kv_events::ZmqContext context;
  ZmqSocket sub, dealer;
};

void hand_over_one(EventPublisher& publisher, std::uint8_t fill) {
  CacheEventLog log;
  const BlockHash hash = hash_of(fill);
  log.add_stored(nullptr, std::span(&hash, 1), std::vector<TokenId>{1, 2, 3, 4}, {}, {});
  // A log that cannot be had at once stays, and goes with the next step's.
  for (publisher.hand_over(log); !log.empty(); publisher.hand_over(log)) std::this_thread::yield();
}

TEST(EventPublisher, ReplaysWhatItStillHas) {
  auto publisher = EventPublisher::start(local_config(), 4);
  ASSERT_TRUE(publisher.ok()) << publisher.error().to_string();
  for (std::uint8_t i = 1; i <= 5; ++i) hand_over_one(**publisher, i);
  Subscriber subscriber(**publisher);
  // Two steps may be under way to the thread still: ask until all five are out.
  while ((*publisher)->stats().messages < 5) std::this_thread::yield();
  subscriber.ask(1);
  for (std::uint64_t want = 2; want < 5; ++want) {  // 0 and 1 have left the buffer of three
    const auto message = receive(subscriber.dealer);
    ASSERT_TRUE(message && message->size() == 3);
    EXPECT_EQ((*message)[0].text(), "");
    EXPECT_EQ(sequence_of(*message), want);
  }
  const auto end = receive(subscriber.dealer);
  ASSERT_TRUE(end && end->size() == 3);
  EXPECT_EQ(sequence_of(*end), UINT64_MAX);
  EXPECT_EQ((*end)[2].text(), "");
  EXPECT_EQ((*publisher)->stats().replay_requests, 1u);
  EXPECT_EQ((*publisher)->stats().replayed_messages, 3u);
}

TEST(EventPublisher, PublishesTopicNumberAndPayload) {
  auto publisher = EventPublisher::start(local_config(), 4);
  ASSERT_TRUE(publisher.ok()) << publisher.error().to_string();
  Subscriber subscriber(**publisher);
  // A subscription takes effect some time after connect(); what was sent before is lost.
  std::optional<ZmqMessage> message;
  for (std::uint8_t i = 0; !message && i < 200; ++i) {
    hand_over_one(**publisher, i);
    zmq_pollitem_t item{subscriber.sub.get(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, 100) > 0) message = subscriber.sub.receive();
  }
  ASSERT_TRUE(message && message->size() == 3);
  EXPECT_EQ((*message)[0].text(), "kv@here@model");
  kv_events::EventDecoder decoder(kv_events::TokenUse::kRead);
  Counter counter;
  const auto head = decoder.decode((*message)[2].bytes(), counter);
  ASSERT_TRUE(head.ok()) << head.error().to_string();
  EXPECT_EQ(head->data_parallel_rank, 0);
  EXPECT_GE(counter.stored, 1u);
  const std::uint64_t last = sequence_of(*message);
  hand_over_one(**publisher, 77);
  const auto next = receive(subscriber.sub);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(sequence_of(*next), last + 1);
}

TEST(EventPublisher, ATakenEndpointIsAnError) {
  auto first = EventPublisher::start(local_config(), 4);
  ASSERT_TRUE(first.ok());
  KvEventsConfig config = local_config();
  config.endpoint = (*first)->endpoint();
  const std::size_t colon = config.endpoint.rfind(':');
  config.endpoint = "tcp://*" + config.endpoint.substr(colon);
  const auto second = EventPublisher::start(config, 4);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  config.endpoint = "nonsense*";
  EXPECT_EQ(EventPublisher::start(config, 4).error().code(), Code::kInvalidArgument);
}

TEST(EventPublisher, PortsOfRanks) {
  EXPECT_EQ(endpoint_of_rank("tcp://*:5557", 0), "tcp://*:5557");
  EXPECT_EQ(endpoint_of_rank("tcp://*:5557", 3), "tcp://*:5560");
  EXPECT_EQ(endpoint_of_rank("inproc://kv", 2), "inproc://kv_dp2");
  EXPECT_EQ(endpoint_of_rank("", 2), "");
}

TEST(EventQueue, KeepsTheLogWhenFull) {
  EventQueue queue(2);
  CacheEventLog log;
  for (int i = 0; i < 2; ++i) {
    log.add_removed(hash_of(1));
    EXPECT_TRUE(queue.hand_over(log));
    EXPECT_TRUE(log.empty());
  }
  log.add_removed(hash_of(3));
  EXPECT_FALSE(queue.hand_over(log));
  EXPECT_EQ(log.num_blocks(), 1u);
  CacheEventLog taken;
  ASSERT_TRUE(queue.take(taken));
  EXPECT_EQ(taken.num_blocks(), 1u);
  queue.give_back(std::move(taken));
  EXPECT_TRUE(queue.hand_over(log));
  EXPECT_EQ(queue.size(), 2u);
}

TEST(CacheEventLog, ItsBoundBecomesAllBlocksCleared) {
  CacheEventLog log(4);
  const std::vector<BlockHash> three(3, hash_of(1));
  const std::vector<TokenId> tokens(12, 5);
  log.add_stored(nullptr, three, tokens, {}, {});
  EXPECT_EQ(log.num_overflows(), 0u);
  log.add_stored(&three[0], three, tokens, {}, {});
  EXPECT_EQ(log.num_overflows(), 1u);
  const auto events = log.to_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<AllBlocksCleared>(events[0]));
  EXPECT_EQ(std::get<BlocksStored>(events[1]).hashes.size(), 3u);
  const std::vector<BlockHash> five(5, hash_of(1));
  log.add_stored(nullptr, five, std::vector<TokenId>(20, 5), {}, {});
  ASSERT_EQ(log.to_events().size(), 1u);
  EXPECT_EQ(log.num_overflows(), 2u);
}

}  // namespace
}  // namespace nacelle::engine
