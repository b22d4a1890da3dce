#include "control/kube/address_prober.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "async/timer.h"

namespace nacelle::control {

struct AddressProber::Entry {
  AddressAsk ask;
  std::function<void()> again;
  std::optional<AddressAnswer> answer;
  bool dropped = false;
};

AddressProber::AddressProber(async::Loop& loop, Ask ask)
    : loop_(loop), ask_(std::move(ask)), scope_(loop), slot_(loop) {}

std::map<std::string, AddressAnswer> AddressProber::answers(const std::string& asker) const {
  std::map<std::string, AddressAnswer> out;
  const auto found = askers_.find(asker);
  if (found == askers_.end()) return out;
  for (const auto& [url, entry] : found->second) {
    if (entry->answer) out.emplace(url, *entry->answer);
  }
  return out;
}

void AddressProber::wait_for(const std::string& asker, const std::vector<AddressAsk>& asks,
                             const std::function<void()>& again) {
  if (asks.empty() && !askers_.contains(asker)) return;
  Entries& entries = askers_[asker];
  Entries next;
  for (const AddressAsk& ask : asks) {
    const auto found = entries.find(ask.url);
    if (found != entries.end() && found->second->ask == ask) {
      next.insert(entries.extract(found));
      continue;
    }
    auto entry = std::make_shared<Entry>();
    entry->ask = ask;
    entry->again = again;
    ++fresh_;
    scope_.spawn(run(this, entry));
    next[ask.url] = std::move(entry);
  }
  for (const auto& [url, entry] : entries) entry->dropped = true;
  if (next.empty()) {
    askers_.erase(asker);
  } else {
    entries = std::move(next);
  }
}

async::Task<void> AddressProber::run(AddressProber* self, std::shared_ptr<Entry> entry) {
  Duration wait = kFirstWait;
  bool fresh = true;
  for (;;) {
    for (;;) {
      if (self->asked_now_ < kMaxAtOnce || self->scope_.stop_requested()) break;
      const Status woken = co_await self->slot_.wait();
      if (!woken.ok()) break;
    }
    if (std::exchange(fresh, false)) --self->fresh_;
    if (entry->dropped || self->scope_.stop_requested()) co_return;
    ++self->asked_now_;
    const Status heard = co_await self->ask_once(entry->ask);
    --self->asked_now_;
    self->slot_.pulse();
    if (entry->dropped || self->scope_.stop_requested()) co_return;
    AddressAnswer answer{heard.ok(), heard.ok() ? std::string() : heard.message()};
    const bool news = entry->answer != answer;
    entry->answer = std::move(answer);
    if (news) entry->again();
    if (heard.ok()) co_return;
    const bool go_on = co_await self->scope_.sleep(wait);
    if (!go_on || entry->dropped) co_return;
    wait = std::min(wait * 2, Duration(kMaxWait));
  }
}

async::Task<Status> AddressProber::ask_once(AddressAsk ask) {
  const TimePoint deadline = std::chrono::steady_clock::now() + kPatience;
  std::string what = ask.url;
  co_return co_await async::with_deadline(ask_(std::move(ask)), deadline, std::move(what));
}

async::Task<void> AddressProber::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

}  // namespace nacelle::control
