#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace nacelle {
namespace {

Status file_error(const std::filesystem::path& path, const char* action, int error) {
  const Code code = error == ENOENT || error == ENOTDIR ? Code::kNotFound
                    : error == EACCES                   ? Code::kPermissionDenied
                    : error == ENOSPC                   ? Code::kResourceExhausted
                                                        : Code::kUnavailable;
  return Status(code, fmt::format("cannot {} {}: {}", action, path.string(), std::strerror(error)));
}

// Closes on scope exit.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Result<FileIdentity> regular_file(const Descriptor& file, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) return file_error(path, "stat", errno);
  if (!S_ISREG(info.st_mode)) return invalid_argument("{} is not a regular file", path.string());
  return identity_of(info);
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileIdentity identity_of(const struct ::stat& info) {
  return {.size = static_cast<std::uint64_t>(info.st_size),
          .inode = info.st_ino,
          .modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim)};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return file_error(path, "open", errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) return file_error(path, "stat", errno);
  if (S_ISDIR(info.st_mode)) return invalid_argument("{} is a folder, not a file", path.string());
  const auto too_large = [&] {
    return out_of_range("{} is larger than the {} bytes accepted here", path.string(), max_bytes);
  };
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) return too_large();
  // One byte more than the file says it has, so that the end shows without another turn. Files of
  // /proc and /sys say 0.
  std::string content(static_cast<std::size_t>(info.st_size) + 1, '\0');
  std::size_t size = 0;
  while (true) {
    if (size == content.size()) content.resize(std::max<std::size_t>(size * 2, 4096));
    const ssize_t got = ::read(file.fd, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, "read", errno);
    size += static_cast<std::size_t>(got);
    if (size > max_bytes) return too_large();
    if (got == 0) break;
  }
  content.resize(size);
  return content;
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp.{}", ::getpid());
  {
    Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.fd < 0) return file_error(temporary, "create", errno);
    while (!content.empty()) {
      const ssize_t put = ::write(file.fd, content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return file_error(temporary, "write", error);
      }
      content.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return file_error(path, "replace", error);
  }
  return {};
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return file_error(path, "open", errno);
  MappedFile mapped;
  ASSIGN_OR_RETURN(mapped.identity_, regular_file(file, path));
  const std::size_t size = mapped.identity_.size;
  if (size == 0) return mapped;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
  if (data == MAP_FAILED) return file_error(path, "map", errno);
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      identity_(other.identity_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(identity_, other.identity_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace nacelle
