#include "net/testing/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace nacelle::net::testing {

RawServer::RawServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  CHECK(::listen(listener_, 16) == 0);
  socklen_t size = sizeof(address);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      Peer peer(fd);
      script_(peer);
      ::close(fd);
    }
  });
}

RawServer::~RawServer() {
  (void)::shutdown(listener_, SHUT_RDWR);  // wakes accept
  thread_.join();
  ::close(listener_);
}

void RawServer::Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string RawServer::Peer::read_until(std::string_view mark) {
  std::size_t at = 0;
  while ((at = unread_.find(mark)) == std::string::npos) {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) return {};
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
  std::string out = unread_.substr(0, at + mark.size());
  unread_.erase(0, at + mark.size());
  return out;
}

void RawServer::Peer::read_to_end() {
  char buffer[16384];
  while (::recv(fd_, buffer, sizeof(buffer), 0) > 0) {
  }
}

}  // namespace nacelle::net::testing
