// flusher.h: brings what was written to the disk, and tells those who wait for it.
//
// A sync takes milliseconds and covers everything that was written before it began: writes that
// come while one runs share the next.
//
// Home:    a thread of its own, which syncs; everything else from any thread.
// Errors:  the first sync that fails is the last one. What the kernel could not write then no later
//          sync brings back, so that every wait from there on ends with that error.
// Bounds:  one entry per wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "async/loop.h"
#include "async/mailbox.h"
#include "async/task.h"
#include "base/result.h"

namespace nacelle::kube::store {

class Flusher {
 public:
  using Sync = std::function<Status()>;

  // Everything up to `revision` is on the disk. `sync` runs on the flusher's thread.
  Flusher(std::uint64_t revision, Sync sync);
  ~Flusher();  // syncs what is left
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

  // Everything up to `revision` was written. Revisions rise.
  void written(std::uint64_t revision);
  // Returns once everything up to `revision` is on the disk: at once where it is already.
  [[nodiscard]] async::Task<Status> wait(async::Loop& loop, std::uint64_t revision);
  // Of the sync that failed; ok as long as none did.
  [[nodiscard]] Status failure() const;

 private:
  struct Waiting {
    std::uint64_t revision;
    std::shared_ptr<async::Mailbox<Status>> answer;
  };

  void run();
  // With `mutex_` held: those whose wait is over.
  [[nodiscard]] std::vector<Waiting> take_answered();

  const Sync sync_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_;  // guarded, as all below
  std::uint64_t flushed_;
  Status failure_;
  std::vector<Waiting> waiting_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace nacelle::kube::store
