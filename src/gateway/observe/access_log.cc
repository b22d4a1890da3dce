#include "gateway/observe/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "telemetry/log.h"

namespace nacelle::gateway {
namespace {

int open_file(const std::string& path) {
  if (path == "-") return ::dup(STDOUT_FILENO);
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(const AccessLogConfig& config) {
  const int file = open_file(config.path);
  if (file < 0) {
    return unavailable("cannot open the access log {}: {}", config.path, std::strerror(errno));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(config, file));
}

AccessLog::AccessLog(AccessLogConfig config, int file)
    : config_(std::move(config)), file_(file), thread_([this] { run(); }) {}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
  ::close(file_);
}

void AccessLog::write(std::string line) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= config_.queue_lines) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    first = queue_.empty();
    queue_.push_back(std::move(line));
  }
  if (first) ready_.notify_one();
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  ready_.notify_one();
}

void AccessLog::run() {
  std::vector<std::string> lines;
  for (;;) {
    bool last = false, again = false;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !queue_.empty() || stopping_ || reopen_; });
      lines.swap(queue_);
      last = stopping_;
      again = std::exchange(reopen_, false);
    }
    write_all(lines);
    lines.clear();
    if (again) {
      if (const int file = open_file(config_.path); file >= 0) {
        ::close(file_);
        file_ = file;
      } else {
        log::error("cannot open the access log again; the old file is kept",
                   {{"path", config_.path}, {"reason", std::strerror(errno)}});
      }
    }
    if (last) return;
  }
}

void AccessLog::write_all(const std::vector<std::string>& lines) {
  std::string block;
  for (const std::string& line : lines) block += line;
  std::string_view rest = block;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      dropped_.fetch_add(lines.size(), std::memory_order_relaxed);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace nacelle::gateway
