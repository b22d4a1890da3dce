#include "kube/controller.h"

#include <utility>

#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

const char* outcome_of(const Result<Reconciled>& result) {
  if (!result.ok()) return "error";
  return result->again_after ? "requeue_after" : "success";
}

}  // namespace

Controller::Controller(async::Loop& loop, ControllerOptions options, Reconcile reconcile,
                       ControllerMetrics* metrics)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      metrics_(metrics),
      queue_(loop, options_.limits),
      scope_(loop) {}

void Controller::add(const ObjectKey& key) { queue_.add(key); }
void Controller::add_after(const ObjectKey& key, Duration wait) { queue_.add_after(key, wait); }

void Controller::start() {
  for (int i = 0; i < options_.workers; ++i) scope_.spawn(work());
}

async::Task<void> Controller::stop() {
  queue_.shut_down();
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

async::Task<void> Controller::work() {
  for (;;) {
    const std::optional<ObjectKey> key = co_await queue_.next();
    if (!key) co_return;
    const TimePoint began = now();
    const Result<Reconciled> result = co_await reconcile_(*key);
    if (metrics_ != nullptr) {
      metrics_->reconciles.with({options_.name, outcome_of(result)}).increment();
      metrics_->seconds.with({options_.name}).observe(to_seconds(now() - began));
    }
    settle(*key, result);
    queue_.done(*key);
    if (metrics_ != nullptr) {
      metrics_->keys.with({options_.name}).set(static_cast<double>(queue_.state().num_ready()));
    }
  }
}

void Controller::settle(const ObjectKey& key, const Result<Reconciled>& result) {
  if (!result.ok()) {
    queue_.add_rate_limited(key);
    const Status& why = result.error();
    std::string& told = told_[key];
    if (why.code() == Code::kCancelled || told == why.message()) return;
    told = why.message();
    log::warn("reconciling fails and is tried again",
              {{"controller", options_.name}, {"object", key.to_string()}, {"why", why}});
    return;
  }
  if (told_.erase(key) > 0) {
    log::info("reconciling works again",
              {{"controller", options_.name}, {"object", key.to_string()}});
  }
  queue_.forget(key);
  if (result->again_after) queue_.add_after(key, *result->again_after);
}

}  // namespace nacelle::kube
