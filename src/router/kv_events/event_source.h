// event_source.h: where an endpoint's KV events come from, and how the subscriber listens.
//
// Source:  router.md sections 11.1 and 11.2.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "router/endpoint.h"

namespace nacelle::router {

struct EventSource {
  EndpointId endpoint;
  std::string address;         // "tcp://10.0.0.7:5557"; "" where engines connect to us
  std::string replay_address;  // "" = no replay
  // The <pod> of topics "kv@<pod>@<model>" that belong to it, for engines that connect to us.
  std::vector<std::string> topic_names;
  friend bool operator==(const EventSource&, const EventSource&) = default;
};

struct SubscriberConfig {
  std::string topic_filter = "kv@";
  std::string bind_address;                                 // engines connect here; "" = none do
  std::uint32_t max_queued_messages = 10000;                // per endpoint, in the socket
  std::int64_t max_message_bytes = std::int64_t{64} << 20;  // larger ones end the connection
  Duration reconnect_delay = std::chrono::seconds(1);       // doubles up to 5 s

  // Replays, and what waits for their end.
  std::uint32_t max_concurrent_replays = 8;
  Duration replay_idle_limit = std::chrono::seconds(2);
  Duration replay_limit = std::chrono::minutes(2);
  Duration replay_cooldown = std::chrono::seconds(30);     // of an endpoint after one that failed
  std::size_t max_pending_messages = 10000;                // per endpoint
  std::size_t max_pending_bytes = std::size_t{256} << 20;  // of all endpoints
};

}  // namespace nacelle::router
