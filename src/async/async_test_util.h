// async_test_util.h: a runtime of one loop for the tests of this folder.
#pragma once

#include "async/runtime.h"

namespace nacelle::async {

struct OneLoop {
  OneLoop() { runtime.start(); }
  Loop& loop() { return runtime.loop(0); }
  template <class T>
  T run(Task<T> task) {
    return run_blocking(loop(), std::move(task));
  }

  Runtime runtime{1};
};

}  // namespace nacelle::async
