// log_reader.h: what `kubectl logs` shows of a container's log files.
//
//   LogReader reader(path, options);
//   while (!(text = reader.next(64 * 1024)).empty()) ...   // "" = nothing more for now
//
// Reads path.4 .. path.1, path in this order, follows the newest across rotations, joins the parts
// of long lines, and leaves the times out unless they are asked for.
//
// Home:    one thread; blocks on the page cache.
// Errors:  lines that are not ours are left out. A missing file is an empty log.
// Bounds:  next() returns at most `limit` bytes and one line; with `tail`, the last files are read
//          through once first.
// Source:  kubernetes-api.md section 23.5.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "control/local/spawn.h"

namespace nacelle::control::node {

struct LogOptions {
  bool timestamps = false;
  std::optional<std::uint64_t> tail;  // lines from the end
  std::optional<std::chrono::system_clock::time_point> since;
  std::optional<std::uint64_t> limit_bytes;
};

class LogReader {
 public:
  LogReader(std::filesystem::path path, LogOptions options);

  [[nodiscard]] std::string next(std::size_t limit);
  // limit_bytes were given out: nothing more will come.
  [[nodiscard]] bool exhausted() const { return options_.limit_bytes && left_ == 0; }

 private:
  struct Line {
    std::string_view time, text;
    bool whole = true;
  };
  static std::optional<Line> parse(std::string_view raw);
  void find_start();
  bool open_next();
  void put(std::string_view raw, std::string& out);

  std::filesystem::path path_;
  LogOptions options_;
  std::string since_;        // as text: our times sort as text does
  std::uint64_t left_ = 0;   // of limit_bytes
  std::uint64_t skip_ = 0;   // lines before the tail
  std::uint64_t inode_ = 0;  // of the file that is open
  OwnedFd file_;
  std::string held_;  // bytes without an end of line
  bool started_ = false;
  bool rotated_ = false;   // ours is no longer the newest: read to its end once more, then go on
  bool mid_line_ = false;  // the last part was not the line's end
};

// The text of the last lines of a log, from its last `bytes` bytes; "" where there is none.
[[nodiscard]] std::string last_log_lines(const std::filesystem::path& path, std::size_t bytes);

}  // namespace nacelle::control::node
