// usage_writer.h: the thread that keeps the books, so that no request waits for a disk.
//
// Loops add records; the thread writes what has gathered as one batch, at least every
// `flush_interval`, and removes old days once a day. A full queue drops the record and counts it:
// serving goes on without books rather than the other way round.
//
// Home:    add() and counts from any thread. The store belongs to the writer's thread.
// Bounds:  max_queued records.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "gateway/ai/usage/usage_store.h"

namespace nacelle::gateway::ai {

struct UsageWriterOptions {
  std::size_t max_queued = 65'536;
  Duration flush_interval = 1s;
  std::uint32_t retention_days = 400;  // 0 = for ever
};

class UsageWriter {
 public:
  UsageWriter(std::unique_ptr<UsageStore> store, UsageWriterOptions options);
  // Writes what is queued.
  ~UsageWriter();
  UsageWriter(const UsageWriter&) = delete;
  UsageWriter& operator=(const UsageWriter&) = delete;

  // False when the queue is full and the record was dropped.
  bool add(UsageRecord record);

  // Returns when everything added before is written or has failed.
  void flush();

  [[nodiscard]] std::uint64_t num_dropped() const { return dropped_; }  // queue full
  [[nodiscard]] std::uint64_t num_lost() const { return lost_; }        // the store failed
  [[nodiscard]] std::uint64_t num_written() const { return written_; }

 private:
  void run();
  void write(const std::vector<UsageRecord>& batch);
  void apply_retention(WallTime now);

  const std::unique_ptr<UsageStore> store_;
  const UsageWriterOptions options_;
  std::atomic<std::uint64_t> dropped_{0}, lost_{0}, written_{0};

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, idle_;
  std::vector<UsageRecord> queue_;
  bool writing_ = false;
  bool flush_now_ = false;
  bool stopping_ = false;

  std::chrono::sys_days last_retention_{};  // of the writer's thread
  std::thread thread_;
};

}  // namespace nacelle::gateway::ai
