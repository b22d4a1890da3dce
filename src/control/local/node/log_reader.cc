#include "control/local/node/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "control/core/pod/time_text.h"

namespace nacelle::control::node {
namespace {

constexpr int kMostFiles = 100;

std::string numbered(const std::filesystem::path& path, int i) {
  return i == 0 ? path.string() : path.string() + "." + std::to_string(i);
}

std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_ino) : 0;
}

}  // namespace

std::string last_log_lines(const std::filesystem::path& path, std::size_t bytes) {
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.open() || ::fstat(file.get(), &info) != 0) return {};
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::size_t from = size > bytes ? size - bytes : 0;
  std::string raw(size - from, '\0');
  const ssize_t got = ::pread(file.get(), raw.data(), raw.size(), static_cast<off_t>(from));
  raw.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  std::string_view rest = raw;
  if (from > 0) rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  std::string out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    // "<time> stdout F text"
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.size() < space + 10) continue;
    out += line.substr(space + 10);
    if (line[space + 8] == 'F') out += '\n';
  }
  return out;
}

LogReader::LogReader(std::filesystem::path path, LogOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  if (options_.since) since_ = pod::to_rfc3339_nano(*options_.since);
  left_ = options_.limit_bytes.value_or(0);
}

std::optional<LogReader::Line> LogReader::parse(std::string_view raw) {
  // "<30 characters of time> stdout F text"
  const std::size_t space = raw.find(' ');
  if (space == std::string_view::npos || raw.size() < space + 10) return std::nullopt;
  const std::string_view stream = raw.substr(space + 1, 7);
  const char tag = raw[space + 8];
  if ((stream != "stdout " && stream != "stderr ") || raw[space + 9] != ' ' ||
      (tag != 'F' && tag != 'P')) {
    return std::nullopt;
  }
  return Line{raw.substr(0, space), raw.substr(space + 10), tag == 'F'};
}

// Opens the oldest file and counts how many lines stand before the tail.
void LogReader::find_start() {
  started_ = true;
  int oldest = 0;
  while (oldest + 1 < kMostFiles && inode_of(numbered(path_, oldest + 1)) != 0) ++oldest;
  if (options_.tail) {
    std::uint64_t lines = 0;
    std::vector<char> buffer(256 * 1024);
    std::string rest;
    for (int i = oldest; i >= 0; --i) {
      const OwnedFd file(::open(numbered(path_, i).c_str(), O_RDONLY | O_CLOEXEC));
      for (ssize_t got = 0;
           file.open() && (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;) {
        rest.append(buffer.data(), static_cast<std::size_t>(got));
        std::size_t at = 0;
        for (std::size_t end; (end = rest.find('\n', at)) != std::string::npos; at = end + 1) {
          const auto line = parse(std::string_view(rest).substr(at, end - at));
          if (line && line->whole && line->time >= since_) ++lines;
        }
        rest.erase(0, at);
      }
      rest.clear();
    }
    skip_ = lines > *options_.tail ? lines - *options_.tail : 0;
  }
  file_ = OwnedFd(::open(numbered(path_, oldest).c_str(), O_RDONLY | O_CLOEXEC));
  inode_ = file_.open() ? inode_of(numbered(path_, oldest)) : 0;
}

// The file behind the one that is read to its end: the next newer of the row. False when it is the
// newest.
bool LogReader::open_next() {
  if (!file_.open()) {
    file_ = OwnedFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    inode_ = file_.open() ? inode_of(path_.string()) : 0;
    return file_.open();
  }
  if (inode_of(path_.string()) == inode_) return false;
  if (!rotated_) {  // it may have been written to between our last read and its new name
    rotated_ = true;
    return true;
  }
  int next = 0;  // when ours was dropped from the row, only the oldest can follow it
  for (int i = 1; i < kMostFiles; ++i) {
    const std::uint64_t inode = inode_of(numbered(path_, i));
    if (inode == 0) {
      next = i - 1;
      break;
    }
    if (inode == inode_) {
      next = i - 1;
      break;
    }
  }
  OwnedFd file(::open(numbered(path_, next).c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.open() || ::fstat(file.get(), &info) != 0) return false;
  file_ = std::move(file);
  inode_ = static_cast<std::uint64_t>(info.st_ino);
  held_.clear();
  rotated_ = false;
  return true;
}

void LogReader::put(std::string_view raw, std::string& out) {
  const std::optional<Line> line = parse(raw);
  if (!line) return;
  if (line->time < since_) return;
  if (skip_ > 0) {
    if (line->whole) --skip_;
    return;
  }
  const std::size_t before = out.size();
  if (options_.timestamps && !mid_line_) {
    out += line->time;
    out += ' ';
  }
  out += line->text;
  if (line->whole) out += '\n';
  mid_line_ = !line->whole;
  if (!options_.limit_bytes) return;
  const std::uint64_t added = out.size() - before;
  if (added > left_) out.resize(before + static_cast<std::size_t>(left_));
  left_ -= std::min(added, left_);
}

std::string LogReader::next(std::size_t limit) {
  if (!started_) find_start();
  std::string out;
  std::vector<char> buffer(64 * 1024);
  while (out.size() < limit && !exhausted()) {
    if (const std::size_t end = held_.find('\n'); end != std::string::npos) {
      std::size_t at = 0;
      for (std::size_t next = end; next != std::string::npos && out.size() < limit && !exhausted();
           next = held_.find('\n', at)) {
        put(std::string_view(held_).substr(at, next - at), out);
        at = next + 1;
      }
      held_.erase(0, at);
      continue;
    }
    const ssize_t got = file_.open() ? ::read(file_.get(), buffer.data(), buffer.size()) : 0;
    if (got > 0) {
      held_.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (!open_next()) break;
  }
  return out;
}

}  // namespace nacelle::control::node
