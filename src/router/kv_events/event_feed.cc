#include "router/kv_events/event_feed.h"

#include <array>
#include <cstring>

#include "telemetry/log.h"

namespace nacelle::router {
namespace {

using kv_events::ZmqMessage;
using kv_events::ZmqPart;
using kv_events::ZmqSocket;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int kMonitored = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
constexpr int kLongestReconnectMs = 5000;

void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}
void take(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_sub(by, std::memory_order_relaxed);
}

}  // namespace

EventFeed::EventFeed(FeedContext& context, EventSource source)
    : context_(context), source_(std::move(source)) {}

EventFeed::~EventFeed() {
  clear_pending();
  if (replaying()) --context_.running_replays;
  set_connected(false);
}

Status EventFeed::open() {
  if (source_.address.empty()) return {};  // its engine connects to us
  ASSIGN_OR_RETURN(live_, ZmqSocket::open(context_.zmq, ZMQ_SUB));
  const SubscriberConfig& config = context_.config;
  RETURN_IF_ERROR(live_.set(ZMQ_RCVHWM, static_cast<int>(config.max_queued_messages)));
  RETURN_IF_ERROR(live_.set(ZMQ_MAXMSGSIZE, config.max_message_bytes));
  RETURN_IF_ERROR(
      live_.set(ZMQ_RECONNECT_IVL,
                static_cast<int>(duration_cast<milliseconds>(config.reconnect_delay).count())));
  RETURN_IF_ERROR(live_.set(ZMQ_RECONNECT_IVL_MAX, kLongestReconnectMs));
  // A peer that vanished without a word is noticed: its TCP connection would stay.
  RETURN_IF_ERROR(live_.set(ZMQ_HEARTBEAT_IVL, 10000));
  RETURN_IF_ERROR(live_.set(ZMQ_HEARTBEAT_TIMEOUT, 30000));
  RETURN_IF_ERROR(live_.set(ZMQ_SUBSCRIBE, std::string_view(config.topic_filter)));
  const std::string monitor = fmt::format("inproc://feed-monitor-{}", context_.next_monitor++);
  if (zmq_socket_monitor(live_.get(), monitor.c_str(), kMonitored) != 0) {
    return unavailable("no monitor of a ZeroMQ socket: {}", zmq_strerror(zmq_errno()));
  }
  ASSIGN_OR_RETURN(monitor_, ZmqSocket::open(context_.zmq, ZMQ_PAIR));
  RETURN_IF_ERROR(monitor_.connect(monitor));
  return live_.connect(source_.address);
}

void EventFeed::set_connected(bool connected) {
  if (connected == connected_) return;
  connected_ = connected;
  connected ? add(context_.stats.subscribers) : take(context_.stats.subscribers);
}

void EventFeed::read_monitor(TimePoint now) {
  while (const auto message = monitor_.receive()) {
    std::uint16_t event = 0;
    const auto bytes = message->front().bytes();
    if (bytes.size() < sizeof event) continue;
    std::memcpy(&event, bytes.data(), sizeof event);
    if (event == ZMQ_EVENT_DISCONNECTED) {
      set_connected(false);
      // Whoever answers next may be another process with numbers that happen to fit.
      if (held()) end_replay(now, false);
      drop_entries();
      tracker_.reset();
      no_replay_before_ = now;
    } else if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      set_connected(true);
      if (std::exchange(was_connected_, true)) add(context_.stats.reconnections);
      if (!tracker_.next()) want_replay(0, now);
    }
  }
}

bool EventFeed::read_live(TimePoint now, std::size_t max_messages) {
  for (std::size_t i = 0; i < max_messages; ++i) {
    auto message = live_.receive();
    if (!message) return false;
    on_message(*message, now);
  }
  return true;
}

void EventFeed::on_message(const ZmqMessage& message, TimePoint now) {
  add(context_.stats.messages);
  const auto sequence = message.size() == 3 ? kv_events::from_big_endian(message[1].bytes())
                                            : std::optional<std::uint64_t>();
  if (!sequence) return add(context_.stats.bad_messages);
  ZmqPart payload;
  zmq_msg_copy(payload.get(), const_cast<ZmqPart&>(message[2]).get());  // shares the bytes
  on_live(*sequence, std::move(payload), now);
}

void EventFeed::on_live(std::uint64_t sequence, ZmqPart payload, TimePoint now) {
  using Verdict = SequenceTracker::Verdict;
  const Verdict verdict = tracker_.judge(sequence);
  if (verdict == Verdict::kRestarted) {
    add(context_.stats.restarts);
    if (held()) end_replay(now, false);
    drop_entries();
    tracker_.forget_applied();
    if (sequence > 0 && want_replay(0, now)) return wait(sequence, std::move(payload), now);
    return apply(sequence, payload.bytes());
  }
  if (held()) return wait(sequence, std::move(payload), now);
  switch (verdict) {
    case Verdict::kDuplicate:
      return;
    case Verdict::kJoined:
      if (want_replay(0, now)) return wait(sequence, std::move(payload), now);
      break;
    case Verdict::kGap:
      add(context_.stats.gaps);
      if (want_replay(*tracker_.next(), now)) return wait(sequence, std::move(payload), now);
      drop_entries();
      break;
    case Verdict::kApply:
    case Verdict::kRestarted:
      break;
  }
  apply(sequence, payload.bytes());
}

void EventFeed::apply(std::uint64_t sequence, std::span<const std::uint8_t> payload) {
  tracker_.applied(sequence);
  const Status applied = context_.applier.apply(source_.endpoint, payload);
  if (applied.ok()) return;
  add(context_.stats.bad_messages);
  log::warn("a KV event message cannot be read", {{"endpoint", source_.address}, {"why", applied}});
  drop_entries();
}

void EventFeed::drop_entries() {
  add(context_.stats.resets);
  context_.applier.clear(source_.endpoint);
}

// False when there is no replay to be had: the endpoint has none, or its last one failed just now.
bool EventFeed::want_replay(std::uint64_t first, TimePoint now) {
  if (source_.replay_address.empty() || now < no_replay_before_ || held()) return false;
  wanted_replay_ = first;
  replay_began_ = now;
  start_replay(now);
  return held();
}

void EventFeed::start_replay(TimePoint now) {
  if (!wanted_replay_ || context_.running_replays >= context_.config.max_concurrent_replays) return;
  auto dealer = ZmqSocket::open(context_.zmq, ZMQ_DEALER);
  Status opened = dealer.status();
  if (opened.ok()) opened = dealer->set(ZMQ_MAXMSGSIZE, context_.config.max_message_bytes);
  if (opened.ok()) opened = dealer->set(ZMQ_RCVHWM, 1000);
  if (opened.ok()) opened = dealer->connect(source_.replay_address);
  const std::string number = kv_events::to_big_endian(*wanted_replay_);
  const std::array<std::string_view, 2> parts{"", number};
  wanted_replay_.reset();
  if (!opened.ok() || !dealer->send(parts)) {
    add(context_.stats.zmq_errors);
    no_replay_before_ = now + context_.config.replay_cooldown;
    return;
  }
  dealer_ = std::move(*dealer);
  ++context_.running_replays;
  replay_heard_ = now;
  add(context_.stats.replays_started);
}

// [anything, number, payload]; an empty payload ends it.
bool EventFeed::read_replay(TimePoint now, std::size_t max_messages) {
  for (std::size_t i = 0; i < max_messages; ++i) {
    if (!replaying()) return false;
    const auto message = dealer_.receive();
    if (!message) return false;
    replay_heard_ = now;
    const auto sequence = message->size() == 3 ? kv_events::from_big_endian((*message)[1].bytes())
                                               : std::optional<std::uint64_t>();
    if (!sequence) {
      add(context_.stats.bad_messages);
      continue;
    }
    if ((*message)[2].bytes().empty()) {
      end_replay(now, true);
      return false;
    }
    add(context_.stats.messages);
    const std::uint64_t due = tracker_.next().value_or(0);
    if (*sequence < due) continue;
    // The publisher has forgotten what was in between. Its blocks may be gone.
    if (*sequence > due) drop_entries();
    apply(*sequence, (*message)[2].bytes());
  }
  return true;
}

void EventFeed::end_replay(TimePoint now, bool complete) {
  if (replaying()) --context_.running_replays;
  dealer_ = ZmqSocket();
  wanted_replay_.reset();
  add(complete ? context_.stats.replays_done : context_.stats.replays_failed);
  if (!complete) {
    no_replay_before_ = now + context_.config.replay_cooldown;
    drop_entries();
    tracker_.forget_applied();
  }
  apply_pending();
}

void EventFeed::tick(TimePoint now) {
  if (!held()) return;
  if (!replaying()) start_replay(now);
  const bool silent = replaying() && now - replay_heard_ > context_.config.replay_idle_limit;
  if (silent || !held() || now - replay_began_ > context_.config.replay_limit) {
    end_replay(now, false);
  }
}

void EventFeed::wait(std::uint64_t sequence, ZmqPart payload, TimePoint now) {
  const std::size_t bytes = payload.bytes().size();
  add(context_.stats.pending_messages);
  add(context_.stats.pending_bytes, bytes);
  pending_bytes_ += bytes;
  pending_.push_back({sequence, std::move(payload)});
  if (pending_.size() > context_.config.max_pending_messages ||
      context_.stats.pending_bytes.load(std::memory_order_relaxed) >
          context_.config.max_pending_bytes) {
    end_replay(now, false);
  }
}

// In order; what the replay brought comes out here as well.
void EventFeed::apply_pending() {
  for (Pending& one : pending_) {
    const std::uint64_t due = tracker_.next().value_or(one.sequence);
    if (one.sequence < due) continue;
    if (one.sequence > due) drop_entries();
    apply(one.sequence, one.payload.bytes());
  }
  clear_pending();
}

void EventFeed::clear_pending() {
  take(context_.stats.pending_messages, pending_.size());
  take(context_.stats.pending_bytes, pending_bytes_);
  pending_.clear();
  pending_bytes_ = 0;
}

}  // namespace nacelle::router
