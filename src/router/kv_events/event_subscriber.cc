#include "router/kv_events/event_subscriber.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "telemetry/log.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMessagesPerTurn = 64;  // of one endpoint before the next has its turn
constexpr int kIdleMs = 100;                  // how late a deadline or an expiry may be noticed

// The pod of "kv@<pod>@<model>"; "" for other topics.
std::string_view pod_of(std::string_view topic) {
  const std::size_t first = topic.find('@');
  if (first == std::string_view::npos) return {};
  const std::size_t second = topic.find('@', first + 1);
  return second == std::string_view::npos ? topic.substr(first + 1)
                                          : topic.substr(first + 1, second - first - 1);
}

}  // namespace

EventSubscriber::EventSubscriber(const SubscriberConfig& config, const KeySpace& keys,
                                 SharedPreciseIndex& index)
    : config_(config),
      index_(index),
      applier_(keys, index, stats_),
      context_{config_, zmq_, applier_, stats_} {}

Result<std::unique_ptr<EventSubscriber>> EventSubscriber::start(const SubscriberConfig& config,
                                                                const KeySpace& keys,
                                                                SharedPreciseIndex& index) {
  std::unique_ptr<EventSubscriber> subscriber(new EventSubscriber(config, keys, index));
  RETURN_IF_ERROR(subscriber->open());
  try {
    subscriber->thread_ = std::thread([self = subscriber.get()] { self->run(); });
  } catch (const std::system_error& error) {
    return unavailable("cannot start the thread of the KV event subscriber: {}", error.what());
  }
  return subscriber;
}

Status EventSubscriber::open() {
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return unavailable("no eventfd for the KV event subscriber");
  if (config_.bind_address.empty()) return {};
  ASSIGN_OR_RETURN(bound_, kv_events::ZmqSocket::open(zmq_, ZMQ_SUB));
  RETURN_IF_ERROR(bound_.set(ZMQ_RCVHWM, static_cast<int>(config_.max_queued_messages)));
  RETURN_IF_ERROR(bound_.set(ZMQ_MAXMSGSIZE, config_.max_message_bytes));
  RETURN_IF_ERROR(bound_.set(ZMQ_SUBSCRIBE, std::string_view(config_.topic_filter)));
  return bound_.bind(config_.bind_address);
}

EventSubscriber::~EventSubscriber() {
  if (thread_.joinable()) {
    stopping_ = true;
    wake();
    thread_.join();
  }
  feeds_.clear();
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void EventSubscriber::set_sources(std::vector<EventSource> sources) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(sources);
    wanted_changed_ = true;
  }
  wake();
}

void EventSubscriber::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void EventSubscriber::run() {
  bool more = false;
  while (!stopping_.load()) {
    take_sources();
    more = serve_sockets(more ? 0 : kIdleMs);
    const TimePoint now = std::chrono::steady_clock::now();
    for (const auto& feed : feeds_) feed->tick(now);
    more = index_.tend(now) || more;
  }
}

void EventSubscriber::take_sources() {
  std::vector<EventSource> wanted;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(wanted_changed_, false)) return;
    wanted = wanted_;
  }
  std::erase_if(feeds_, [&](const std::unique_ptr<EventFeed>& feed) {
    if (std::ranges::find(wanted, feed->source()) != wanted.end()) return false;
    applier_.clear(feed->source().endpoint);
    return true;
  });
  for (const EventSource& source : wanted) {
    const bool known =
        std::ranges::any_of(feeds_, [&](const auto& feed) { return feed->source() == source; });
    if (!known) add_feed(source);
  }
}

void EventSubscriber::add_feed(const EventSource& source) {
  auto feed = std::make_unique<EventFeed>(context_, source);
  const Status opened = feed->open();
  if (!opened.ok()) {
    stats_.zmq_errors.fetch_add(1, std::memory_order_relaxed);
    log::warn("an endpoint's KV events cannot be followed",
              {{"address", source.address}, {"why", opened}});
    return;
  }
  feeds_.push_back(std::move(feed));
}

// True when sockets may hold more.
bool EventSubscriber::serve_sockets(int timeout_ms) {
  items_.clear();
  items_.push_back({nullptr, wake_fd_, ZMQ_POLLIN, 0});
  const auto watch = [this](void* socket) {
    if (socket != nullptr) items_.push_back({socket, 0, ZMQ_POLLIN, 0});
  };
  watch(bound_.get());
  for (const auto& feed : feeds_) {
    watch(feed->live_socket());
    watch(feed->monitor_socket());
    watch(feed->replay_socket());
  }
  if (zmq_poll(items_.data(), static_cast<int>(items_.size()), timeout_ms) <= 0) return false;
  std::size_t next = 0;
  const auto ready = [&](void* socket) {
    return socket != nullptr && (items_[next++].revents & ZMQ_POLLIN) != 0;
  };
  if ((items_[next++].revents & ZMQ_POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
  }
  const TimePoint now = std::chrono::steady_clock::now();
  const bool bound = ready(bound_.get());
  bool more = false;
  for (const auto& feed : feeds_) {
    // Asked before any is read: reading one may open or close another.
    const bool live = ready(feed->live_socket());
    const bool monitor = ready(feed->monitor_socket());
    const bool replay = ready(feed->replay_socket());
    if (monitor) feed->read_monitor(now);
    if (replay) more = feed->read_replay(now, kMessagesPerTurn) || more;
    if (live) more = feed->read_live(now, kMessagesPerTurn) || more;
  }
  if (bound) more = read_bound(now) || more;  // last: it opens and closes sockets of any feed
  return more;
}

bool EventSubscriber::read_bound(TimePoint now) {
  for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
    const auto message = bound_.receive();
    if (!message) return false;
    const std::string_view pod = pod_of(message->front().text());
    const auto owner = std::ranges::find_if(feeds_, [&](const auto& feed) {
      return std::ranges::find(feed->source().topic_names, pod) != feed->source().topic_names.end();
    });
    if (owner == feeds_.end()) {
      stats_.stores_skipped.fetch_add(1, std::memory_order_relaxed);
    } else {
      (*owner)->on_message(*message, now);
    }
  }
  return true;
}

}  // namespace nacelle::router
