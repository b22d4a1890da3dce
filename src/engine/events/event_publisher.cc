#include "engine/events/event_publisher.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <system_error>

namespace nacelle::engine {
namespace {

using kv_events::Digest;
using kv_events::ZmqSocket;

bool should_bind(const std::string& endpoint) {
  return endpoint.find('*') != std::string::npos || endpoint.find("::") != std::string::npos ||
         endpoint.starts_with("ipc://") || endpoint.starts_with("inproc://");
}

Status attach(ZmqSocket& socket, const std::string& endpoint) {
  return should_bind(endpoint) ? socket.bind(endpoint) : socket.connect(endpoint);
}

}  // namespace

std::string endpoint_of_rank(const std::string& endpoint, std::uint32_t rank) {
  if (rank == 0 || endpoint.empty()) return endpoint;
  if (endpoint.starts_with("inproc://")) return fmt::format("{}_dp{}", endpoint, rank);
  const std::size_t colon = endpoint.rfind(':');
  std::uint32_t port = 0;
  const char* const end = endpoint.data() + endpoint.size();
  if (!endpoint.starts_with("tcp://") || colon == std::string::npos ||
      std::from_chars(endpoint.data() + colon + 1, end, port).ptr != end) {
    return endpoint;
  }
  return fmt::format("{}:{}", endpoint.substr(0, colon), port + rank);
}

EventPublisher::EventPublisher(const KvEventsConfig& config, std::uint32_t block_size)
    : config_(config),
      block_size_(block_size),
      queue_(config.max_queue_size),
      encoder_(config.form, config.hashes),
      buffer_(config.replay_endpoint.empty() ? 0 : config.buffer_steps, config.buffer_bytes) {}

Result<std::unique_ptr<EventPublisher>> EventPublisher::start(const KvEventsConfig& config,
                                                              std::uint32_t block_size) {
  std::unique_ptr<EventPublisher> publisher(new EventPublisher(config, block_size));
  const Status opened = publisher->open();
  if (!opened.ok()) return opened.with_context("--kv-events-config");
  try {
    publisher->thread_ = std::thread([self = publisher.get()] { self->run(); });
  } catch (const std::system_error& error) {
    return unavailable("cannot start the thread of KV events: {}", error.what());
  }
  return publisher;
}

Status EventPublisher::open() {
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return unavailable("no eventfd for KV events");
  ASSIGN_OR_RETURN(pub_, ZmqSocket::open(context_, ZMQ_PUB));
  RETURN_IF_ERROR(pub_.set(ZMQ_SNDHWM, static_cast<int>(config_.hwm)));
  RETURN_IF_ERROR(pub_.set(ZMQ_LINGER, 200));
  RETURN_IF_ERROR(attach(pub_, endpoint_of_rank(config_.endpoint, config_.data_parallel_rank)));
  bound_endpoint_ = pub_.last_endpoint();
  if (config_.replay_endpoint.empty()) return {};
  ASSIGN_OR_RETURN(replay_, ZmqSocket::open(context_, ZMQ_ROUTER));
  // A subscriber that left, or that asks again and does not read, ends its replay.
  RETURN_IF_ERROR(replay_.set(ZMQ_ROUTER_MANDATORY, 1));
  RETURN_IF_ERROR(replay_.set(ZMQ_SNDHWM, static_cast<int>(config_.buffer_steps) + 1));
  RETURN_IF_ERROR(replay_.set(ZMQ_MAXMSGSIZE, std::int64_t{1024}));
  RETURN_IF_ERROR(
      attach(replay_, endpoint_of_rank(config_.replay_endpoint, config_.data_parallel_rank)));
  bound_replay_ = replay_.last_endpoint();
  return {};
}

EventPublisher::~EventPublisher() {
  if (thread_.joinable()) {
    stopping_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
    thread_.join();
  }
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void EventPublisher::hand_over(CacheEventLog& log) {
  if (log.empty()) return;
  const std::uint32_t overflows = log.num_overflows();
  if (!queue_.hand_over(log)) return;
  overflows_.fetch_add(overflows, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

KvEventStats EventPublisher::stats() const {
  return {.messages = messages_.load(std::memory_order_relaxed),
          .events = events_.load(std::memory_order_relaxed),
          .overflows = overflows_.load(std::memory_order_relaxed),
          .replay_requests = replay_requests_.load(std::memory_order_relaxed),
          .replayed_messages = replayed_.load(std::memory_order_relaxed)};
}

void EventPublisher::run() {
  while (!stopping_.load()) {
    std::array<zmq_pollitem_t, 2> items{
        {{nullptr, wake_fd_, ZMQ_POLLIN, 0}, {replay_.get(), 0, ZMQ_POLLIN, 0}}};
    if (zmq_poll(items.data(), replay_.is_open() ? 2 : 1, -1) < 0 && zmq_errno() != EINTR) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
    drain_queue();
    answer_replays();
  }
  drain_queue();
}

bool EventPublisher::drain_queue() {
  CacheEventLog log;
  bool any = false;
  for (; queue_.take(log); any = true) {
    send(log);
    queue_.give_back(std::move(log));
    log = CacheEventLog();
  }
  return any;
}

void EventPublisher::encode(const CacheEventLog& log) {
  encoder_.begin();
  for (const CacheEventLog::Record& record : log.records()) {
    if (record.kind == CacheEventLog::Kind::kAllCleared) {
      encoder_.all_cleared();
      continue;
    }
    digests_.clear();
    for (const BlockHash& hash : log.hashes(record)) digests_.push_back(hash.digest());
    if (record.kind == CacheEventLog::Kind::kRemoved) {
      encoder_.removed(digests_);
      continue;
    }
    encoder_.stored(
        {.hashes = digests_,
         .parent = record.has_parent ? std::optional<Digest>(record.parent.digest()) : std::nullopt,
         .tokens = log.tokens(record),
         .block_size = block_size_,
         .first_keys = log.first_keys(record),
         .other_keys = log.other_keys(record)});
  }
}

void EventPublisher::send(const CacheEventLog& log) {
  encode(log);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::string payload = encoder_.finish(now, config_.data_parallel_rank);
  const std::string sequence = kv_events::to_big_endian(next_sequence_);
  const std::array<std::string_view, 3> parts{config_.topic, sequence, payload};
  pub_.send(parts);
  buffer_.push(next_sequence_++, std::move(payload));
  messages_.fetch_add(1, std::memory_order_relaxed);
  events_.fetch_add(encoder_.num_events(), std::memory_order_relaxed);
}

void EventPublisher::answer_replays() {
  if (!replay_.is_open()) return;
  while (const auto request = replay_.receive()) {
    replay(*request);
    drain_queue();  // a long replay does not hold up what is new
  }
}

// [identity, "", number]; anything else is not answered.
void EventPublisher::replay(const kv_events::ZmqMessage& request) {
  if (request.size() != 3) return;
  const auto wanted = kv_events::from_big_endian(request[2].bytes());
  if (!wanted) return;
  replay_requests_.fetch_add(1, std::memory_order_relaxed);
  const std::string_view peer = request[0].text();
  for (std::uint64_t i = std::max(*wanted, buffer_.first()); i < buffer_.end(); ++i) {
    const std::string sequence = kv_events::to_big_endian(i);
    const std::array<std::string_view, 4> parts{peer, "", sequence, buffer_.at(i)};
    if (!replay_.send(parts)) return;  // it left
    replayed_.fetch_add(1, std::memory_order_relaxed);
  }
  const std::string end = kv_events::to_big_endian(UINT64_MAX);
  const std::array<std::string_view, 4> parts{peer, "", end, ""};
  replay_.send(parts);
}

}  // namespace nacelle::engine
