// access_log.h: writes lines to a file or standard output on a thread of its own.
//
// Home:    write() from any thread and never blocks; the file belongs to the log's thread.
// Bound:   queue_lines lines wait; beyond it a line is dropped and counted.
// Errors:  open() fails when the file cannot be opened; a full disk drops lines and counts them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "gateway/config/model.h"

namespace nacelle::gateway {

class AccessLog {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const AccessLogConfig& config);
  ~AccessLog();  // writes what is queued
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(std::string line);
  // The file was renamed away: continues in a new one of the same name.
  void reopen();
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] const AccessLogConfig& config() const { return config_; }

 private:
  AccessLog(AccessLogConfig config, int file);
  void run();
  void write_all(const std::vector<std::string>& lines);

  const AccessLogConfig config_;
  int file_;  // the thread's
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::string> queue_;  // guarded
  bool stopping_ = false;           // guarded
  bool reopen_ = false;             // guarded
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace nacelle::gateway
