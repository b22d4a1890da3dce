// log_writer.h: the output of a container as lines with times, in files that rotate.
//
//   2026-11-21T01:21:47.083338123Z stdout F a whole line
//   2026-11-21T01:21:47.083401456Z stderr P the beginning of a line of more than 16 KiB
//
// The file at `path` is written; at `max_bytes` it becomes path.1 and so on up to `max_files` files
// in all, and the oldest goes.
//
// Home:    one thread (the container's shim). Blocks on the disk.
// Errors:  a full disk loses lines and is told once, as a line, when writing works again.
// Bounds:  kMaxLine bytes of an unfinished line per stream.
// Source:  the Kubernetes CRI log format; kubernetes-api.md section 22.4 (10 MiB, 5 files).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "control/local/spawn.h"

namespace nacelle::control::node {

class LogWriter {
 public:
  enum class Stream : std::uint8_t { kOut, kErr };
  using WallTime = std::chrono::system_clock::time_point;
  static constexpr std::size_t kMaxLine = 16 * 1024;

  LogWriter(std::filesystem::path path, std::uint64_t max_bytes, int max_files);

  // Opens the file, appending.
  [[nodiscard]] Status open();

  void append(Stream stream, std::string_view bytes, WallTime now);
  // The stream ended: what was held back of a line without its end is written.
  void finish(Stream stream, WallTime now);

 private:
  void line(Stream stream, bool whole, std::string_view text, WallTime now);
  void flush();
  void rotate();

  std::filesystem::path path_;
  std::uint64_t max_bytes_;
  int max_files_;
  OwnedFd file_;
  std::uint64_t written_ = 0;
  std::uint64_t lost_lines_ = 0;
  std::string held_[2];  // per stream: the beginning of a line
  std::string pending_;  // formatted lines of one append()
};

}  // namespace nacelle::control::node
