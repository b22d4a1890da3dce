// body_sink.h: uses the pieces of a body in the turn of the loop in which they arrive.
//
// For bodies of very many small pieces: no coroutine is resumed for what a sink takes, and its
// replies to all that one read of the socket brought leave in one write.
//
// Home:    the connection's loop. take() is called while the connection reads: it must not wait,
//          and must not use the exchange.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::net::http {

class BodySink {
 public:
  virtual ~BodySink() = default;

  // Removes from the front of `piece` what it used and appends what is to be sent for it to
  // `replies`. True: all was used, more may come. False: what is left is for the reader.
  [[nodiscard]] virtual bool take(std::string_view& piece, std::string& replies) = 0;
};

}  // namespace nacelle::net::http
