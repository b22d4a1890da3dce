// event_subscriber.h: follows the KV events of many endpoints and keeps the precise index by them.
//
// One thread polls all sockets: a subscription per endpoint, a replay now and then, and a wake-up
// for changes of the list. It is the only writer of the index.
//
// Home:    set_sources() and stats() any thread; everything else on the subscriber's own.
// Errors:  start() when the bind address is taken or malformed. A source whose address libzmq does
//          not understand is logged, counted, and left out.
// Bounds:  SubscriberConfig.
// Source:  router.md section 11.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "router/kv_events/event_feed.h"

namespace nacelle::router {

class EventSubscriber {
 public:
  // `index` outlives the subscriber.
  [[nodiscard]] static Result<std::unique_ptr<EventSubscriber>> start(
      const SubscriberConfig& config, const KeySpace& keys, SharedPreciseIndex& index);
  ~EventSubscriber();
  EventSubscriber(const EventSubscriber&) = delete;
  EventSubscriber& operator=(const EventSubscriber&) = delete;

  // The endpoints there are from now on. Those that left lose their entries; those whose addresses
  // changed begin anew.
  void set_sources(std::vector<EventSource> sources);

  // A pick was noted in the index (SharedPreciseIndex::speculate): take it in soon.
  void wake();

  [[nodiscard]] const SubscriberStats& stats() const { return stats_; }
  [[nodiscard]] const SubscriberConfig& config() const { return config_; }

 private:
  EventSubscriber(const SubscriberConfig& config, const KeySpace& keys, SharedPreciseIndex& index);
  [[nodiscard]] Status open();
  void run();
  void take_sources();
  void add_feed(const EventSource& source);
  bool serve_sockets(int timeout_ms);
  bool read_bound(TimePoint now);

  const SubscriberConfig config_;
  SharedPreciseIndex& index_;
  SubscriberStats stats_;
  int wake_fd_ = -1;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<EventSource> wanted_;  // guarded
  bool wanted_changed_ = false;      // guarded

  // The subscriber's thread only, once it runs.
  kv_events::ZmqContext zmq_;
  EventApplier applier_;
  FeedContext context_;
  kv_events::ZmqSocket bound_;
  std::vector<std::unique_ptr<EventFeed>> feeds_;
  std::vector<zmq_pollitem_t> items_;  // reused
  std::thread thread_;                 // last: it uses everything above
};

}  // namespace nacelle::router
