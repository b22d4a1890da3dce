#include "apps/nacelle/wake_room.h"

#include <algorithm>

namespace nacelle::apps {

namespace {

Status gone() { return unavailable("the pool is gone"); }

}  // namespace

void WakeRoom::set_asleep(bool asleep) {
  const std::scoped_lock lock(mutex_);
  asleep_ = asleep;
  if (!asleep) wake_all();
}

void WakeRoom::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  wake_all();
}

void WakeRoom::wake_all() {
  for (const std::shared_ptr<Waiter>& waiter : waiters_)
    waiter->loop.post([waiter] { waiter->woken.set(); });
}

std::shared_ptr<WakeRoom::Waiter> WakeRoom::enter(async::Loop& loop, Status& refused) {
  const std::scoped_lock lock(mutex_);
  if (!asleep_) return nullptr;
  if (closed_) {
    refused = gone();
    return nullptr;
  }
  if (waiters_.size() >= options_.most) {
    refused = resource_exhausted(
        "{} requests wait for an endpoint of this pool already, which is as many as may",
        waiters_.size());
    return nullptr;
  }
  waiters_.push_back(std::make_shared<Waiter>(loop));
  held_ = waiters_.size();
  return waiters_.back();
}

void WakeRoom::leave(const std::shared_ptr<Waiter>& waiter) {
  const std::scoped_lock lock(mutex_);
  waiters_.remove(waiter);
  held_ = waiters_.size();
}

async::Task<Status> WakeRoom::wait(TimePoint deadline, net::http::ServerExchange& exchange) {
  Status refused;
  const std::shared_ptr<Waiter> waiter = enter(exchange.loop(), refused);
  if (waiter == nullptr) co_return refused;
  exchange.on_client_gone([waiter] { waiter->woken.set(); });
  if (held() == 1 && options_.wanted) options_.wanted();
  const TimePoint patience = std::chrono::steady_clock::now() + options_.patience;
  Status woken = co_await waiter->woken.wait(std::min(deadline, patience));
  exchange.on_client_gone({});
  leave(waiter);
  if (exchange.client_gone()) co_return cancelled("the client left while its pool was woken");
  if (woken.ok() && closed_) co_return gone();
  if (!woken.ok() && patience < deadline) {
    woken = deadline_exceeded("no endpoint of the pool was there within {:.0f} s",
                              to_seconds(options_.patience));
  }
  co_return woken;
}

}  // namespace nacelle::apps
