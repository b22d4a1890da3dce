// bare_forwarder PORT BACKEND_PORT: passes bytes between clients and a back end on loopback, and
// nothing else. What it adds to a request is the least that any proxy adds on this machine: one
// wait, one receive and one send each way. Ends with a signal.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void watch(int epoll, int socket) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = socket}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

// The other side of each socket, by number.
class Pairs {
 public:
  void join(int a, int b) {
    const auto size = static_cast<std::size_t>(std::max(a, b)) + 1;
    if (size > peers_.size()) peers_.resize(size);
    peers_[static_cast<std::size_t>(a)] = b;
    peers_[static_cast<std::size_t>(b)] = a;
  }
  [[nodiscard]] int peer(int socket) const { return peers_[static_cast<std::size_t>(socket)]; }

 private:
  std::vector<int> peers_;
};

void accept_client(int epoll, int listener, std::uint16_t backend, Pairs& pairs) {
  const int client = ::accept(listener, nullptr, nullptr);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(backend);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  pairs.join(client, server);
  for (const int socket : {client, server}) {
    no_delay(socket);
    watch(epoll, socket);
  }
}

void pass_on(int from, const Pairs& pairs, std::array<char, 65536>& buffer) {
  const ssize_t received = ::recv(from, buffer.data(), buffer.size(), 0);
  const int to = pairs.peer(from);
  if (received <= 0) {
    ::shutdown(to, SHUT_RDWR);  // its own end follows, and closes it
    ::close(from);
    return;
  }
  for (ssize_t sent = 0; sent < received;) {
    const ssize_t now =
        ::send(to, buffer.data() + sent, static_cast<std::size_t>(received - sent), MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += now;
  }
}

bool parse(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  std::uint16_t backend = 0;
  if (argc != 3 || !parse(argv[1], port) || !parse(argv[2], backend)) {
    std::fprintf(stderr, "usage: bare_forwarder PORT BACKEND_PORT\n");
    return 2;
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = loopback(port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 64) != 0) {
    std::fprintf(stderr, "bare_forwarder: port %d: %s\n", port, std::strerror(errno));
    return 1;
  }
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener);
  Pairs pairs;
  std::array<char, 65536> buffer;
  for (;;) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        accept_client(epoll, listener, backend, pairs);
      } else {
        pass_on(socket, pairs, buffer);
      }
    }
  }
}
