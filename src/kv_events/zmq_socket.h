// zmq_socket.h: libzmq's context and sockets as owners, with Status instead of errno.
//
// Home:    a context may be shared; a socket belongs to one thread at a time.
// Errors:  invalid_argument for an endpoint libzmq does not understand, unavailable for one that is
//          taken; receive() gives nullopt when nothing is there.
#pragma once

#include <zmq.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nacelle::kv_events {

class ZmqContext {
 public:
  ZmqContext();
  // Waits until the messages of closed sockets are gone, at most for their linger.
  ~ZmqContext();
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;
  [[nodiscard]] void* get() const { return context_; }

 private:
  void* context_;
};

// One part of a message as it came; a view of it lives as long as the part.
class ZmqPart {
 public:
  ZmqPart() { zmq_msg_init(&message_); }
  ZmqPart(ZmqPart&& other) noexcept : ZmqPart() { zmq_msg_move(&message_, &other.message_); }
  ZmqPart& operator=(ZmqPart&& other) noexcept {
    if (this != &other) zmq_msg_move(&message_, &other.message_);
    return *this;
  }
  ~ZmqPart() { zmq_msg_close(&message_); }

  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    auto* message = const_cast<zmq_msg_t*>(&message_);  // libzmq's C interface has no const
    return {static_cast<const std::uint8_t*>(zmq_msg_data(message)), zmq_msg_size(message)};
  }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes().data()), bytes().size()};
  }
  [[nodiscard]] zmq_msg_t* get() { return &message_; }

 private:
  zmq_msg_t message_;
};

using ZmqMessage = std::vector<ZmqPart>;

class ZmqSocket {
 public:
  ZmqSocket() = default;
  [[nodiscard]] static Result<ZmqSocket> open(ZmqContext& context, int type);
  ZmqSocket(ZmqSocket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~ZmqSocket();

  [[nodiscard]] bool is_open() const { return socket_ != nullptr; }
  [[nodiscard]] void* get() const { return socket_; }
  [[nodiscard]] Status set(int option, int value);
  [[nodiscard]] Status set(int option, std::int64_t value);
  [[nodiscard]] Status set(int option, std::string_view value);
  [[nodiscard]] Status bind(const std::string& endpoint);
  [[nodiscard]] Status connect(const std::string& endpoint);
  // The address that a bind to port 0 or `*` took.
  [[nodiscard]] std::string last_endpoint() const;

  // A whole message without waiting; nullopt when there is none. Parts beyond `max_parts` are
  // dropped.
  [[nodiscard]] std::optional<ZmqMessage> receive(std::size_t max_parts = 8);
  // Without waiting. False when the peer's queue is full or the peer is gone.
  bool send(std::span<const std::string_view> parts);

 private:
  explicit ZmqSocket(void* socket) : socket_(socket) {}
  void* socket_ = nullptr;
};

// Eight bytes, big-endian: how sequence numbers travel.
[[nodiscard]] std::string to_big_endian(std::uint64_t value);
[[nodiscard]] std::optional<std::uint64_t> from_big_endian(std::span<const std::uint8_t> bytes);

}  // namespace nacelle::kv_events
