// kv_events_config.h: publishing what happens to the prefix cache (--kv-events-config).
//
// Source:  engine.md section 24.
#pragma once

#include <cstdint>
#include <string>

#include "kv_events/event_encoder.h"

namespace nacelle::engine {

struct KvEventsConfig {
  bool enabled = false;
  std::string endpoint = "tcp://*:5557";  // bound when it has `*` or `::`, or is ipc or inproc
  std::string replay_endpoint;            // "" = no replay
  std::uint32_t buffer_steps = 10000;     // messages kept for replay
  std::uint64_t buffer_bytes = std::uint64_t{256} << 20;  // of them; the oldest go first
  std::uint32_t hwm = 100000;             // messages queued per subscriber; libzmq drops beyond
  std::uint32_t max_queue_size = 100000;  // steps that wait for the publisher's thread
  std::string topic;
  kv_events::EventForm form = kv_events::EventForm::kMap;
  kv_events::HashForm hashes = kv_events::HashForm::kNumber;
  std::uint32_t data_parallel_rank = 0;
};

struct KvEventStats {
  std::uint64_t messages = 0;   // sent
  std::uint64_t events = 0;     // in them
  std::uint64_t overflows = 0;  // times that events were given up for an AllBlocksCleared
  std::uint64_t replay_requests = 0;
  std::uint64_t replayed_messages = 0;
};

}  // namespace nacelle::engine
