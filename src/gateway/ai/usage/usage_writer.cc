#include "gateway/ai/usage/usage_writer.h"

#include "telemetry/log.h"

namespace nacelle::gateway::ai {

UsageWriter::UsageWriter(std::unique_ptr<UsageStore> store, UsageWriterOptions options)
    : store_(std::move(store)), options_(options), thread_([this] { run(); }) {}

UsageWriter::~UsageWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool UsageWriter::add(UsageRecord record) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.max_queued) {
      ++dropped_;
      return false;
    }
    queue_.push_back(std::move(record));
    // Half full: the interval is too long for this load.
    wake = queue_.size() == options_.max_queued / 2;
    flush_now_ = flush_now_ || wake;
  }
  if (wake) wake_.notify_all();
  return true;
}

void UsageWriter::flush() {
  std::unique_lock lock(mutex_);
  flush_now_ = true;
  wake_.notify_all();
  idle_.wait(lock, [this] { return queue_.empty() && !writing_; });
}

void UsageWriter::run() {
  std::vector<UsageRecord> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      idle_.notify_all();
      wake_.wait_for(lock, options_.flush_interval, [this] { return flush_now_ || stopping_; });
      flush_now_ = false;
      batch.clear();
      batch.swap(queue_);
      if (batch.empty()) {
        if (stopping_) return;
        continue;
      }
      writing_ = true;
    }
    write(batch);
  }
}

void UsageWriter::write(const std::vector<UsageRecord>& batch) {
  const Status status = store_->write(batch);
  if (status.ok()) {
    written_ += batch.size();
    apply_retention(batch.back().at);
    return;
  }
  lost_ += batch.size();
  telemetry::log::error("usage was not written", {{"records", batch.size()}, {"error", status}});
}

void UsageWriter::apply_retention(WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now);
  if (options_.retention_days == 0 || today == last_retention_) return;
  last_retention_ = today;
  const Status status = store_->remove_before(today - std::chrono::days(options_.retention_days));
  if (!status.ok()) telemetry::log::warn("old usage was not removed", {{"error", status}});
}

}  // namespace nacelle::gateway::ai
