// record_writer.h: writes decisions to a file from a thread of its own.
//
// Under the router's lock an input is only copied; the text is made and written elsewhere. When the
// disk falls behind, decisions are left out and counted in the file, never waited for. A file that
// is full becomes `path.1`, that one `path.2` and so on; each begins with the configuration and the
// whole pool, so each can be replayed alone.
//
// Home:    decided() under the router's lock; the rest on the writer's thread.
// Errors:  create: what the file system says. A later write error is logged once and ends the
// record. Bounds:  4,096 decisions wait; files of `max_file_bytes`, `max_files` of them.
#pragma once

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "router/record/recorded_input.h"
#include "router/router.h"

namespace nacelle::router {

class RecordWriter final : public DecisionSink {
 public:
  struct Options {
    std::string path;
    std::uint64_t max_file_bytes = std::uint64_t{256} << 20;
    std::uint32_t max_files = 4;  // the current one included
  };
  // `headers`: those whose values are kept (Schedule::headers).
  [[nodiscard]] static Result<std::unique_ptr<RecordWriter>> create(
      Options options, std::string config_text, std::vector<std::string> headers);
  ~RecordWriter() override;

  void decided(const DecisionInput& input, const Decision& decision) override;

  // Waits until everything decided so far is in the file.
  void flush();
  [[nodiscard]] std::uint64_t lost() const;

 private:
  static constexpr std::size_t kMaxWaiting = 4096;
  struct Entry {
    RecordedInput recorded;
    Decision decision;
    std::uint64_t lost_before = 0;
  };

  RecordWriter(Options options, std::string config_text, std::vector<std::string> headers);
  [[nodiscard]] Status open();
  void rotate();
  void run();
  void write(const Entry& entry);
  void write_line(const std::string& line);

  const Options options_;
  const std::string config_text_;
  const std::vector<std::string> headers_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> waiting_;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_unwritten_ = 0;
  bool writing_ = false;
  bool stopping_ = false;

  // The writer's thread.
  std::FILE* file_ = nullptr;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t number_ = 0;
  PoolViewPtr pool_;                    // last one written
  std::vector<std::string> endpoints_;  // its entries as written
  bool failed_ = false;
  std::thread thread_;
};

}  // namespace nacelle::router
