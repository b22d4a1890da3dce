// file_lock.h: one process at a time, by an exclusive flock() on a file.
//
// The file stays behind; the lock goes with the object or with the process.
//
// Home:    movable; one thread at a time.
// Errors:  take() returns unavailable while another one holds it, and what open() says otherwise.
#pragma once

#include <filesystem>
#include <utility>

#include "base/result.h"

namespace nacelle {

class FileLock {
 public:
  // Never waits. Creates the file where it is missing.
  [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace nacelle
