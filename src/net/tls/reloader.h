// reloader.h: keeps a server's certificates equal to their files.
//
// Looks at size, inode and times of every file the configuration names (through symbolic links, so
// that the swap of a mounted Kubernetes Secret is seen) and loads all again when one changed. A set
// that does not load keeps the old context, is logged once as an error and counted; the next change
// is tried again.
//
// Home:    start() makes a thread that only looks and loads; check() and the figures: any thread.
// Errors:  create(): the first load failed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "net/tls/server_context.h"

namespace nacelle::net {

class TlsReloader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TlsReloader>> create(TlsServerConfig config);
  ~TlsReloader();
  TlsReloader(const TlsReloader&) = delete;
  TlsReloader& operator=(const TlsReloader&) = delete;

  // Hand this to the servers; it outlives the reloader.
  [[nodiscard]] const std::shared_ptr<TlsServerSource>& source() const { return source_; }

  // Looks every `interval` until the destructor.
  void start(Duration interval = 10s);

  enum class Outcome : std::uint8_t { kUnchanged, kReloaded, kFailed };
  // Looks once now.
  Outcome check();

  [[nodiscard]] std::uint64_t num_reloads() const { return reloads_.load(); }
  [[nodiscard]] std::uint64_t num_failures() const { return failures_.load(); }

 private:
  explicit TlsReloader(TlsServerConfig config);
  [[nodiscard]] std::vector<FileIdentity> look() const;
  void watch(Duration interval);

  const TlsServerConfig config_;
  std::vector<std::filesystem::path> files_;
  std::shared_ptr<TlsServerSource> source_;
  std::mutex check_mutex_;
  std::vector<FileIdentity> seen_;  // guarded by check_mutex_; what the last attempt loaded
  std::atomic<std::uint64_t> reloads_{0};
  std::atomic<std::uint64_t> failures_{0};

  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;  // guarded by stop_mutex_
  std::thread thread_;
};

}  // namespace nacelle::net
