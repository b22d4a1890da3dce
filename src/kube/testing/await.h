// await.h: waiting in coroutine tests for what a fake API server and its clients do.
//
// Home:    the server's loop.
#pragma once

#include <gtest/gtest.h>

#include "base/clock.h"
#include "kube/testing/fake_api_server.h"

namespace nacelle::kube::testing {

// Waits until `done` holds; everything that can change it pulses the server's activity.
template <class Predicate>
async::Task<bool> until(FakeApiServer* server, Predicate done) {
  const TimePoint deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    const Status waited = co_await server->activity().wait(deadline);
    if (!waited.ok()) co_return done();
  }
  co_return true;
}

}  // namespace nacelle::kube::testing

// A name for the value, since GCC 12 mistranslates co_await inside conditions. `server` is in
// scope.
#define NACELLE_AWAIT(...)                                                             \
  do {                                                                                 \
    const bool held =                                                                  \
        co_await ::nacelle::kube::testing::until(server, [&] { return __VA_ARGS__; }); \
    EXPECT_TRUE(held) << #__VA_ARGS__;                                                 \
  } while (false)
