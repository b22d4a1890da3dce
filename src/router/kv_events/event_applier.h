// event_applier.h: KV events of one message at a time, decoded and put into the index.
//
// Home:    the subscriber's thread.
// Errors:  a message that cannot be read: the endpoint's entries should be dropped.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "kv_events/event_decoder.h"
#include "router/kv_events/key_space.h"
#include "router/kv_events/request_key_map.h"
#include "router/kv_events/shared_index.h"
#include "router/kv_events/subscriber_stats.h"

namespace nacelle::router {

class EventApplier final : private kv_events::EventSink {
 public:
  // `index` and `stats` outlive the applier.
  EventApplier(const KeySpace& space, SharedPreciseIndex& index, SubscriberStats& stats);

  // The endpoint holds nothing any more.
  void clear(EndpointId endpoint);
  [[nodiscard]] Status apply(EndpointId endpoint, std::span<const std::uint8_t> payload);

 private:
  void on_stored(const kv_events::Stored& event) override;
  void on_removed(const kv_events::Removed& event) override;
  void on_all_cleared() override;

  RequestKeyMap& request_keys();

  const KeySpace space_;
  SharedPreciseIndex& index_;
  SubscriberStats& stats_;
  kv_events::EventDecoder decoder_;
  std::vector<std::unique_ptr<RequestKeyMap>> request_keys_;  // by endpoint
  EndpointId endpoint_;                                       // of the message in hand
  std::vector<std::uint64_t> keys_;                           // reused
};

}  // namespace nacelle::router
