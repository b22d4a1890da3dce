// wake_room.h: where requests wait for a pool that has no endpoint, while somebody starts one.
//
// The first who waits calls for an endpoint; when one is there, all go on at once.
//
// Home:    wait() on the request's loop; the rest on any thread.
// Errors:  wait(): resource_exhausted when the room is full, deadline_exceeded, unavailable when the
//          pool is gone, cancelled when the client left.
// Bounds:  options.most requests, each for options.patience.
// Source:  scaling-and-benchmarks.md, rules of the autoscaler, rule 17.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "async/event.h"
#include "async/task.h"
#include "base/clock.h"
#include "net/http/server_exchange.h"

namespace nacelle::apps {

class WakeRoom {
 public:
  struct Options {
    std::size_t most = 1000;
    Duration patience = 300s;      // an engine with cold weights takes its time
    std::function<void()> wanted;  // an endpoint, please; on the loop of whoever came first
  };

  explicit WakeRoom(Options options) : options_(std::move(options)) {}
  WakeRoom(const WakeRoom&) = delete;
  WakeRoom& operator=(const WakeRoom&) = delete;

  [[nodiscard]] bool asleep() const { return asleep_.load(std::memory_order_relaxed); }
  // False: an endpoint is there, everyone goes on.
  void set_asleep(bool asleep);
  // The pool is gone: those who wait, and those who come, are refused.
  void close();

  // Returns at once when an endpoint is there.
  [[nodiscard]] async::Task<Status> wait(TimePoint deadline, net::http::ServerExchange& exchange);
  // Requests that wait now.
  [[nodiscard]] std::size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    explicit Waiter(async::Loop& loop) : loop(loop), woken(loop) {}
    async::Loop& loop;
    async::Event woken;
  };

  // Null when the pool woke meanwhile or the room is full.
  std::shared_ptr<Waiter> enter(async::Loop& loop, Status& refused);
  void leave(const std::shared_ptr<Waiter>& waiter);
  void wake_all();  // with mutex_ held

  const Options options_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> closed_{false};
  std::atomic<std::size_t> held_{0};
  std::mutex mutex_;
  std::list<std::shared_ptr<Waiter>> waiters_;  // guarded
};

}  // namespace nacelle::apps
