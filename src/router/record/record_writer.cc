#include "router/record/record_writer.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "router/record/record_text.h"
#include "telemetry/log.h"

namespace nacelle::router {

RecordWriter::RecordWriter(Options options, std::string config_text,
                           std::vector<std::string> headers)
    : options_(std::move(options)),
      config_text_(std::move(config_text)),
      headers_(std::move(headers)) {}

Result<std::unique_ptr<RecordWriter>> RecordWriter::create(Options options, std::string config_text,
                                                           std::vector<std::string> headers) {
  std::unique_ptr<RecordWriter> writer(
      new RecordWriter(std::move(options), std::move(config_text), std::move(headers)));
  RETURN_IF_ERROR(writer->open());
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

RecordWriter::~RecordWriter() {
  if (thread_.joinable()) {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  if (file_ != nullptr) std::fclose(file_);
}

Status RecordWriter::open() {
  file_ = std::fopen(options_.path.c_str(), "wbe");
  if (file_ == nullptr) {
    return unavailable("cannot write {}: {}", options_.path, std::strerror(errno));
  }
  file_bytes_ = 0;
  pool_ = nullptr;
  endpoints_.clear();
  write_line(config_line(config_text_));
  std::fflush(file_);
  return failed_ ? unavailable("cannot write {}", options_.path) : Status();
}

void RecordWriter::rotate() {
  std::fclose(file_);
  file_ = nullptr;
  std::error_code ignored;  // a file that is not there need not move
  const auto name = [&](std::uint32_t i) { return fmt::format("{}.{}", options_.path, i); };
  for (std::uint32_t i = options_.max_files - 1; i > 1; --i) {
    std::filesystem::rename(name(i - 1), name(i), ignored);
  }
  if (options_.max_files > 1) std::filesystem::rename(options_.path, name(1), ignored);
  if (const Status opened = open(); !opened.ok()) {
    failed_ = true;
    log::error("decisions are no longer recorded", {{"why", opened}});
  }
}

void RecordWriter::decided(const DecisionInput& input, const Decision& decision) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      ++lost_;
      ++lost_unwritten_;
      return;
    }
    waiting_.push_back({RecordedInput(input, headers_), decision, lost_unwritten_});
    waiting_.back().recorded.bind();  // it moved
    lost_unwritten_ = 0;
  }
  changed_.notify_all();
}

void RecordWriter::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.empty() && !writing_; });
}

std::uint64_t RecordWriter::lost() const {
  const std::scoped_lock lock(mutex_);
  return lost_;
}

void RecordWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::deque<Entry> batch;
    batch.swap(waiting_);
    writing_ = true;
    lock.unlock();
    for (const Entry& entry : batch) write(entry);
    if (file_ != nullptr) std::fflush(file_);
    batch.clear();
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

void RecordWriter::write(const Entry& entry) {
  if (failed_) return;
  if (file_bytes_ >= options_.max_file_bytes) {
    rotate();
    if (failed_) return;
  }
  if (entry.lost_before > 0) write_line(lost_line(entry.lost_before));
  const PoolViewPtr& pool = entry.recorded.input.pool;
  if (pool != pool_) {
    write_line(pool_line(*pool->snapshot(), endpoints_));
    pool_ = pool;
  }
  write_line(pick_line(++number_, entry.recorded, entry.decision));
}

void RecordWriter::write_line(const std::string& line) {
  if (failed_) return;
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() ||
      std::fputc('\n', file_) == EOF) {
    failed_ = true;
    log::error("decisions are no longer recorded",
               {{"path", options_.path}, {"why", std::strerror(errno)}});
    return;
  }
  file_bytes_ += line.size() + 1;
}

}  // namespace nacelle::router
