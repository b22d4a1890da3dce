#include "kv_events/zmq_socket.h"

#include <array>
#include <cerrno>

#include "base/check.h"

namespace nacelle::kv_events {
namespace {

constexpr int kMaxSockets = 1 << 16;  // of one context; libzmq's own default is 1023

Status endpoint_error(const char* what, const std::string& endpoint) {
  const int error = zmq_errno();
  if (error == EADDRINUSE || error == EADDRNOTAVAIL || error == EACCES || error == EMFILE) {
    return unavailable("cannot {} '{}': {}", what, endpoint, zmq_strerror(error));
  }
  return invalid_argument("cannot {} '{}': {}", what, endpoint, zmq_strerror(error));
}

}  // namespace

ZmqContext::ZmqContext() : context_(zmq_ctx_new()) {
  CHECK(context_ != nullptr);
  zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, kMaxSockets);
}

ZmqContext::~ZmqContext() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
}

Result<ZmqSocket> ZmqSocket::open(ZmqContext& context, int type) {
  void* socket = zmq_socket(context.get(), type);
  if (socket == nullptr) return unavailable("no ZeroMQ socket: {}", zmq_strerror(zmq_errno()));
  ZmqSocket out(socket);
  RETURN_IF_ERROR(out.set(ZMQ_LINGER, 0));
  return out;
}

ZmqSocket::~ZmqSocket() {
  if (socket_ != nullptr) zmq_close(socket_);
}

Status ZmqSocket::set(int option, int value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) return {};
  return invalid_argument("ZeroMQ option {} = {}: {}", option, value, zmq_strerror(zmq_errno()));
}

Status ZmqSocket::set(int option, std::int64_t value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) return {};
  return invalid_argument("ZeroMQ option {} = {}: {}", option, value, zmq_strerror(zmq_errno()));
}

Status ZmqSocket::set(int option, std::string_view value) {
  if (zmq_setsockopt(socket_, option, value.data(), value.size()) == 0) return {};
  return invalid_argument("ZeroMQ option {}: {}", option, zmq_strerror(zmq_errno()));
}

Status ZmqSocket::bind(const std::string& endpoint) {
  return zmq_bind(socket_, endpoint.c_str()) == 0 ? Status() : endpoint_error("bind", endpoint);
}

Status ZmqSocket::connect(const std::string& endpoint) {
  return zmq_connect(socket_, endpoint.c_str()) == 0 ? Status()
                                                     : endpoint_error("connect to", endpoint);
}

std::string ZmqSocket::last_endpoint() const {
  std::array<char, 512> text{};
  std::size_t size = text.size();
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) return {};
  return text.data();
}

std::optional<ZmqMessage> ZmqSocket::receive(std::size_t max_parts) {
  ZmqMessage message;
  for (;;) {
    ZmqPart part;
    // Parts of one message arrive together, so only the first can be missing.
    if (zmq_msg_recv(part.get(), socket_, ZMQ_DONTWAIT) < 0) return std::nullopt;
    const bool more = zmq_msg_more(part.get()) != 0;
    if (message.size() < max_parts) message.push_back(std::move(part));
    if (!more) return message;
  }
}

bool ZmqSocket::send(std::span<const std::string_view> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int flags = ZMQ_DONTWAIT | (i + 1 < parts.size() ? ZMQ_SNDMORE : 0);
    if (zmq_send(socket_, parts[i].data(), parts[i].size(), flags) < 0) return false;
  }
  return true;
}

std::string to_big_endian(std::uint64_t value) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(value >> (56 - 8 * i));
  return out;
}

std::optional<std::uint64_t> from_big_endian(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 8) return std::nullopt;
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace nacelle::kv_events
