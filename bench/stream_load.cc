// stream_load.cc: the two ends of many event streams, cheap enough to share one core.
//
//   stream_load serve PORT RATE
//       answers every POST with a stream: one event, then RATE a second (0: none)
//   stream_load read PORT N SECONDS
//       opens N streams, then prints: events, p50 and p99 of their delay in microseconds;
//       the first second is not counted
//
// Each event carries the time it was written at. Plain epoll, no library: what it costs is nearly
// all system calls, so that a proxy in between is what is measured. bench/gateway_streams.py runs
// it.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kSlots = 50;         // a period's events are spread over so many moments
constexpr std::size_t kFillerBytes = 150;  // an event of a chat stream has about 200 bytes

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "stream_load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void watch(int poll, int socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = socket;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
}

std::string chunk() {
  const std::string event = "data: {\"t\":" + std::to_string(now_ns()) + ",\"d\":\"" +
                            std::string(kFillerBytes, 'x') + "\"}\n\n";
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", event.size());
  return size + event + "\r\n";
}

class Server {
 public:
  Server(int port, double rate) : rate_(rate), groups_(kSlots), poll_(epoll_create1(0)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = loopback(port);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("bind");
    if (listen(listener_, 4096) != 0) fail("listen");
    watch(poll_, listener_);
  }

  [[noreturn]] void run() {
    std::int64_t due = now_ns();
    std::vector<epoll_event> events(256);
    for (;;) {
      const std::int64_t left = rate_ > 0 ? due - now_ns() : kSecond;
      const timespec wait{left > 0 ? left / kSecond : 0, left > 0 ? left % kSecond : 0};
      const int count =
          epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) {
          accept_all();
        } else {
          answer(events[i].data.fd);
        }
      }
      while (rate_ > 0 && now_ns() >= due) {
        send_group(groups_[turn_++ % kSlots]);
        due += static_cast<std::int64_t>(static_cast<double>(kSecond) / rate_ / kSlots);
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (peer < 0) return;
      const int yes = 1;
      setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      watch(poll_, peer);
    }
  }

  void answer(int peer) {
    char data[65536];
    const ssize_t got = recv(peer, data, sizeof data, 0);
    if (got <= 0) {
      for (auto& group : groups_) std::erase(group, peer);
      close(peer);
    } else if (std::string_view(data, static_cast<std::size_t>(got)).starts_with("POST")) {
      put(peer,
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: "
          "chunked\r\n\r\n" +
              chunk());
      groups_[streams_++ % kSlots].push_back(peer);
    } else if (std::string_view(data, static_cast<std::size_t>(got)).starts_with("GET")) {
      put(peer, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
  }

  static bool put(int peer, const std::string& bytes) {
    return send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  void send_group(std::vector<int>& group) {
    std::erase_if(group,
                  [](int peer) { return !put(peer, chunk()); });  // a full socket: it fell behind
  }

  const double rate_;
  std::vector<std::vector<int>> groups_;
  std::size_t turn_ = 0, streams_ = 0;
  int poll_, listener_ = -1;
};

// A connected socket whose request is sent.
int open_stream(int port) {
  static const std::string body =
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]})";
  static const std::string request =
      "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: "
      "application/json\r\ncontent-length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  const int peer = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect");
  if (send(peer, request.data(), request.size(), MSG_NOSIGNAL) < 0) fail("send");
  return peer;
}

int read_streams(int port, int streams, double seconds) {
  const int poll = epoll_create1(0);
  for (int i = 0; i < streams; ++i) watch(poll, open_stream(port));
  std::vector<std::int64_t> delays;
  const std::int64_t begin = now_ns() + kSecond;
  const std::int64_t end = begin + static_cast<std::int64_t>(seconds * kSecond);
  std::vector<epoll_event> events(256);
  std::vector<char> data(65536);
  while (now_ns() < end) {
    const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const ssize_t got = recv(events[i].data.fd, data.data(), data.size(), 0);
      if (got <= 0) fail("a stream ended");
      const std::int64_t arrived = now_ns();
      if (arrived < begin) continue;
      const std::string_view text(data.data(), static_cast<std::size_t>(got));
      for (std::size_t at = 0; (at = text.find("\"t\":", at)) != std::string_view::npos;) {
        at += 4;
        delays.push_back(arrived - std::strtoll(text.data() + at, nullptr, 10));
      }
    }
  }
  if (delays.empty()) return 1;
  std::sort(delays.begin(), delays.end());
  const auto at = [&](double share) {
    return static_cast<double>(
               delays[static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1))]) /
           1e3;
  };
  std::printf("%zu %.1f %.1f\n", delays.size(), at(0.5), at(0.99));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc == 4) Server(std::atoi(argv[2]), std::atof(argv[3])).run();
  if (mode == "read" && argc == 5)
    return read_streams(std::atoi(argv[2]), std::atoi(argv[3]), std::atof(argv[4]));
  std::fputs("usage: stream_load serve PORT RATE | read PORT STREAMS SECONDS\n", stderr);
  return 2;
}
