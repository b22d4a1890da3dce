// event_publisher.h: sends what happens to the prefix cache over ZeroMQ, as vLLM does.
//
//   PUB     [topic, sequence number (8 bytes, big-endian, from 0), payload], one per step that had
//           events
//   ROUTER  replay: asked with ["", first wanted number], answers ["", number, payload] for each
//           message it still has and ["", eight times 0xff, ""]
//
// The engine loop only swaps arrays (hand_over); encoding, sending and replays happen on this
// object's thread. A lag of that thread never reaches the loop: steps add up in one message, and
// beyond the bound of a log (CacheEventLog) they become one AllBlocksCleared, which is counted.
// A subscriber that is too slow loses messages at its high-water mark; it sees the gap in the
// numbers and asks for a replay.
//
// Home:    hand_over() the engine loop, stats() any thread.
// Errors:  start() when an endpoint is malformed or taken.
// Source:  engine.md section 24.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "engine/events/event_queue.h"
#include "engine/events/replay_buffer.h"
#include "engine/kv_events_config.h"
#include "kv_events/zmq_socket.h"

namespace nacelle::engine {

// Port + rank for tcp, a suffix for inproc; rank 0 changes nothing.
[[nodiscard]] std::string endpoint_of_rank(const std::string& endpoint, std::uint32_t rank);

class EventPublisher {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EventPublisher>> start(const KvEventsConfig& config,
                                                                     std::uint32_t block_size);
  // Sends what was handed over, then stops.
  ~EventPublisher();
  EventPublisher(const EventPublisher&) = delete;
  EventPublisher& operator=(const EventPublisher&) = delete;

  // Takes the events of `log`, which is empty afterwards, unless the queue is full: then it stays
  // as it is. Never waits.
  void hand_over(CacheEventLog& log);

  [[nodiscard]] KvEventStats stats() const;
  // Where subscribers connect; tells the port of a bind to port 0.
  [[nodiscard]] const std::string& endpoint() const { return bound_endpoint_; }
  [[nodiscard]] const std::string& replay_endpoint() const { return bound_replay_; }

 private:
  EventPublisher(const KvEventsConfig& config, std::uint32_t block_size);
  [[nodiscard]] Status open();
  void run();
  bool drain_queue();
  void send(const CacheEventLog& log);
  void encode(const CacheEventLog& log);
  void answer_replays();
  void replay(const kv_events::ZmqMessage& request);

  KvEventsConfig config_;
  std::uint32_t block_size_;
  EventQueue queue_;
  int wake_fd_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> messages_{0}, events_{0}, overflows_{0}, replay_requests_{0},
      replayed_{0};
  std::string bound_endpoint_, bound_replay_;

  // The publisher's thread only, once it runs.
  kv_events::ZmqContext context_;
  kv_events::ZmqSocket pub_, replay_;
  kv_events::EventEncoder encoder_;
  ReplayBuffer buffer_;
  std::uint64_t next_sequence_ = 0;
  std::vector<kv_events::Digest> digests_;  // reused
  std::thread thread_;                      // last: it uses everything above
};

}  // namespace nacelle::engine
