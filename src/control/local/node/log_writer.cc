#include "control/local/node/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "control/core/pod/time_text.h"

namespace nacelle::control::node {

LogWriter::LogWriter(std::filesystem::path path, std::uint64_t max_bytes, int max_files)
    : path_(std::move(path)), max_bytes_(max_bytes), max_files_(max_files) {}

Status LogWriter::open() {
  file_ = OwnedFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file_.open()) return unavailable("{}: {}", path_.string(), std::strerror(errno));
  struct stat info {};
  written_ = ::fstat(file_.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  return {};
}

void LogWriter::append(Stream stream, std::string_view bytes, WallTime now) {
  std::string& held = held_[static_cast<int>(stream)];
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t room = kMaxLine - held.size();
    const std::size_t take = std::min({end, room, bytes.size()});
    held += bytes.substr(0, take);
    bytes.remove_prefix(take);
    if (!bytes.empty() && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      line(stream, true, held, now);
      held.clear();
    } else if (held.size() == kMaxLine) {
      line(stream, false, held, now);
      held.clear();
    }
  }
  flush();
}

void LogWriter::finish(Stream stream, WallTime now) {
  std::string& held = held_[static_cast<int>(stream)];
  if (held.empty()) return;
  line(stream, true, held, now);
  held.clear();
  flush();
}

void LogWriter::line(Stream stream, bool whole, std::string_view text, WallTime now) {
  if (lost_lines_ > 0 && pending_.empty()) {
    pending_ = fmt::format("{} stderr F [nacelle: {} lines were lost, the disk was full]\n",
                           pod::to_rfc3339_nano(now), lost_lines_);
  }
  pending_ += pod::to_rfc3339_nano(now);
  pending_ += stream == Stream::kOut ? " stdout " : " stderr ";
  pending_ += whole ? "F " : "P ";
  pending_ += text;
  pending_ += '\n';
  if (pending_.size() >= 64 * 1024) flush();
}

void LogWriter::flush() {
  if (pending_.empty()) return;
  if (written_ > 0 && written_ + pending_.size() > max_bytes_) rotate();
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t put = ::write(file_.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(put));
    written_ += static_cast<std::uint64_t>(put);
  }
  if (rest.empty()) {
    lost_lines_ = 0;
  } else {
    for (const char c : rest) lost_lines_ += c == '\n' ? 1 : 0;
  }
  pending_.clear();
}

void LogWriter::rotate() {
  const auto numbered = [&](int i) { return path_.string() + "." + std::to_string(i); };
  if (max_files_ <= 1) {
    ::unlink(path_.c_str());
  } else {
    for (int i = max_files_ - 2; i >= 1; --i) {
      ::rename(numbered(i).c_str(), numbered(i + 1).c_str());
    }
    ::rename(path_.c_str(), numbered(1).c_str());
  }
  if (!open().ok()) written_ = 0;  // nothing to write to: lines are counted as lost
}

}  // namespace nacelle::control::node
