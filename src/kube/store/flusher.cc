#include "kube/store/flusher.h"

#include <algorithm>
#include <utility>

namespace nacelle::kube::store {

Flusher::Flusher(std::uint64_t revision, Sync sync)
    : sync_(std::move(sync)), written_(revision), flushed_(revision), thread_([this] { run(); }) {}

Flusher::~Flusher() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
  // A wait for what was never written.
  for (const Waiting& waiting : waiting_) {
    (void)waiting.answer->post(cancelled("the store is closing"));
  }
}

void Flusher::written(std::uint64_t revision) {
  {
    std::lock_guard lock(mutex_);
    written_ = revision;
  }
  changed_.notify_one();
}

Status Flusher::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

async::Task<Status> Flusher::wait(async::Loop& loop, std::uint64_t revision) {
  std::shared_ptr<async::Mailbox<Status>> answer;
  {
    std::lock_guard lock(mutex_);
    if (flushed_ >= revision) co_return Status();
    if (!failure_.ok()) co_return failure_;
    answer = std::make_shared<async::Mailbox<Status>>(loop, 1);
    waiting_.push_back({revision, answer});
  }
  std::vector<Status> outcome;
  const Status received = co_await answer->receive(outcome);
  if (!received.ok()) co_return received;
  co_return std::move(outcome.front());
}

std::vector<Flusher::Waiting> Flusher::take_answered() {
  const auto first = std::partition(waiting_.begin(), waiting_.end(), [this](const Waiting& one) {
    return failure_.ok() && one.revision > flushed_;
  });
  std::vector<Waiting> out(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  return out;
}

void Flusher::run() {
  for (;;) {
    std::uint64_t target = 0;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] { return failure_.ok() && written_ > flushed_; };
      changed_.wait(lock, [&] { return closing_ || has_work(); });
      if (!has_work()) return;
      target = written_;
    }
    Status synced = sync_();
    std::vector<Waiting> answered;
    {
      std::lock_guard lock(mutex_);
      if (synced.ok()) {
        flushed_ = target;
      } else {
        failure_ = synced;
      }
      answered = take_answered();
    }
    for (const Waiting& waiting : answered) (void)waiting.answer->post(synced);
  }
}

}  // namespace nacelle::kube::store
