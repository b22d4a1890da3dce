#include "net/testing/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace nacelle::net::testing {

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  if (receive_buffer_bytes > 0) {
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;  // tests send little by little and wait for the answer
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

RawClient::~RawClient() { close(); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::read_some() {
  char buffer[16384];
  const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
  if (got < 0 && errno == ECONNRESET) was_reset_ = true;
  if (got <= 0) return false;
  unread_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string RawClient::read_to_end() {
  while (read_some()) {
  }
  return std::exchange(unread_, {});
}

std::string RawClient::read_until(std::string_view mark) {
  std::size_t at = 0;
  while ((at = unread_.find(mark)) == std::string::npos) {
    if (!read_some()) return {};
  }
  std::string out = unread_.substr(0, at + mark.size());
  unread_.erase(0, at + mark.size());
  return out;
}

std::string RawClient::read_exactly(std::size_t size) {
  while (unread_.size() < size && read_some()) {
  }
  std::string out = unread_.substr(0, size);
  unread_.erase(0, out.size());
  return out;
}

std::string RawClient::read_response() {
  std::string out = read_until("\r\n\r\n");
  if (out.find("transfer-encoding: chunked") != std::string::npos) {
    return out + read_until("0\r\n\r\n");
  }
  const std::size_t at = out.find("content-length: ");
  if (at == std::string::npos) return out;
  const auto length = std::strtoull(out.c_str() + at + 16, nullptr, 10);
  while (unread_.size() < length && read_some()) {
  }
  out += unread_.substr(0, length);
  unread_.erase(0, length);
  return out;
}

void RawClient::shutdown_send() { (void)::shutdown(fd_, SHUT_WR); }

void RawClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawClient::reset() {
  const linger hard{1, 0};
  (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close();
}

}  // namespace nacelle::net::testing
