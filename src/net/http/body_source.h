// body_source.h: a request body that is read while it is sent, so that it is never held whole.
//
// Home:    the client's loop. Outlives the send.
// Errors:  what next() returns ends the send with that status; the upstream connection is closed.
#pragma once

#include <string_view>

#include "async/task.h"
#include "base/result.h"

namespace nacelle::net::http {

class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next piece, empty at the end; valid until the next call. Called when the piece before was
  // taken by the peer's socket: a slow upstream slows the reader.
  [[nodiscard]] virtual async::Task<Result<std::string_view>> next() = 0;
};

}  // namespace nacelle::net::http
