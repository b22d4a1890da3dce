// event_feed.h: one endpoint's stream of KV events: its sockets, its place in the numbers, a
// replay.
//
// A feed is live (messages are applied as they come) or held (they wait, in order, for a replay to
// begin and to catch up). A gap, a restart or a late start asks for a replay where the endpoint has
// one; without, or when it fails, the entries are dropped and the live messages rebuild them.
//
// Home:    the subscriber's thread.
// Bounds:  SubscriberConfig: messages that wait; beyond it the replay is given up.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "kv_events/zmq_socket.h"
#include "router/kv_events/event_applier.h"
#include "router/kv_events/event_source.h"
#include "router/kv_events/sequence_tracker.h"

namespace nacelle::router {

// What all feeds of one subscriber share.
struct FeedContext {
  const SubscriberConfig& config;
  kv_events::ZmqContext& zmq;
  EventApplier& applier;
  SubscriberStats& stats;
  std::uint32_t running_replays = 0;
  std::uint64_t next_monitor = 0;  // names of monitor sockets
};

class EventFeed {
 public:
  EventFeed(FeedContext& context, EventSource source);
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // Opens the sockets. Errors: an address that libzmq does not understand.
  [[nodiscard]] Status open();
  [[nodiscard]] const EventSource& source() const { return source_; }
  [[nodiscard]] bool replaying() const { return dealer_.is_open(); }

  // Sockets that can be polled; null while they are not open.
  [[nodiscard]] void* live_socket() const { return live_.get(); }
  [[nodiscard]] void* monitor_socket() const { return monitor_.get(); }
  [[nodiscard]] void* replay_socket() const { return dealer_.get(); }

  // Handle what is there, at most `max_messages`; true when there may be more.
  bool read_live(TimePoint now, std::size_t max_messages);
  bool read_replay(TimePoint now, std::size_t max_messages);
  void read_monitor(TimePoint now);
  // Deadlines of the replay.
  void tick(TimePoint now);
  // A live message, from its own socket or the one where engines connect to us.
  void on_message(const kv_events::ZmqMessage& message, TimePoint now);

 private:
  struct Pending {
    std::uint64_t sequence;
    kv_events::ZmqPart payload;
  };

  void on_live(std::uint64_t sequence, kv_events::ZmqPart payload, TimePoint now);
  void apply(std::uint64_t sequence, std::span<const std::uint8_t> payload);
  void drop_entries();
  [[nodiscard]] bool held() const { return replaying() || wanted_replay_.has_value(); }
  bool want_replay(std::uint64_t first, TimePoint now);
  void start_replay(TimePoint now);
  void end_replay(TimePoint now, bool complete);
  void wait(std::uint64_t sequence, kv_events::ZmqPart payload, TimePoint now);
  void apply_pending();
  void clear_pending();
  void set_connected(bool connected);

  FeedContext& context_;
  const EventSource source_;
  kv_events::ZmqSocket live_, monitor_, dealer_;
  SequenceTracker tracker_;
  bool connected_ = false, was_connected_ = false;
  std::deque<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::optional<std::uint64_t> wanted_replay_;  // from this number, when a place is free
  TimePoint replay_began_{}, replay_heard_{}, no_replay_before_{};
};

}  // namespace nacelle::router
