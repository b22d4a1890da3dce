// signals.h: waiting for SIGTERM and SIGINT as an ordinary await.
//
//   TerminationSignals signals(loop);                // from here on they no longer kill the
//   process int first = co_await signals.next();             // begin to drain int second =
//   co_await signals.next();            // force
//
// Home:    one loop.
#pragma once

#include <memory>

#include "async/loop.h"
#include "async/task.h"

namespace nacelle::async {

class TerminationSignals {
 public:
  explicit TerminationSignals(Loop& loop);
  ~TerminationSignals();

  // The number of the next signal, or 0 when cancel() was called.
  [[nodiscard]] Task<int> next();
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::async
