#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/check.h"

namespace nacelle::hammer {
namespace {

constexpr int kSilenceMs = 20;
constexpr int kPatienceMs = 60'000;  // decides only how long a hanging connection is awaited

// False when the peer has closed or reset.
bool read_some(int fd, std::uint64_t& bytes) {
  char buffer[65536];
  const ssize_t got = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (got > 0) bytes += static_cast<std::uint64_t>(got);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool readable(int fd, short events, int timeout_ms) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, timeout_ms) > 0;
}

}  // namespace

Played play(std::uint16_t port, std::string_view bytes, Goodbye goodbye) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Played out;
  bool open = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  CHECK(open);
  while (open && !bytes.empty()) {
    if (!readable(fd, POLLIN | POLLOUT, kSilenceMs)) break;  // it neither takes nor says anything
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) break;
    open = read_some(fd, out.bytes);
  }
  while (open && readable(fd, POLLIN, kSilenceMs)) open = read_some(fd, out.bytes);
  if (goodbye == Goodbye::kReset) {
    const linger hard{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  } else if (goodbye == Goodbye::kHalfClose && open) {
    (void)::shutdown(fd, SHUT_WR);
    while (open && readable(fd, POLLIN, kPatienceMs)) open = read_some(fd, out.bytes);
  }
  out.ended = !open || goodbye != Goodbye::kHalfClose;
  ::close(fd);
  return out;
}

}  // namespace nacelle::hammer
