// client.h: plays a connection's bytes on a socket and reads what comes, without understanding it.
//
// Home:    one thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace nacelle::hammer {

enum class Goodbye : std::uint8_t { kHalfClose, kClose, kReset };

struct Played {
  bool ended = false;  // the peer closed, which it must within kPatience of a half-close
  std::uint64_t bytes = 0;
};

// Sends `bytes` while it reads; ends the connection by `goodbye` when the peer is silent for a
// moment or has closed.
[[nodiscard]] Played play(std::uint16_t port, std::string_view bytes, Goodbye goodbye);

}  // namespace nacelle::hammer
