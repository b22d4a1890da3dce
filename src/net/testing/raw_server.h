// raw_server.h: a server of plain sockets that plays a script on each connection, for client tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace nacelle::net::testing {

class RawServer {
 public:
  // One accepted connection; closed when the script returns.
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {}
    void send(std::string_view bytes);
    std::string read_until(std::string_view mark);  // "" when the client closed before
    void read_to_end();
    [[nodiscard]] int fd() const { return fd_; }

   private:
    int fd_;
    std::string unread_;
  };
  using Script = std::function<void(Peer&)>;

  // Connections are served one after the other on a thread of its own.
  explicit RawServer(Script script);
  ~RawServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace nacelle::net::testing
