// file.h: whole files in, and files mapped read-only.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace nacelle {

// The whole file. not_found when it is missing, out_of_range beyond `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t max_bytes = std::size_t{1} << 30);

// Writes beside `path` and renames over it, so that a reader sees the old or the new file.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path& path,
                                           std::string_view content);

// Which file it was and in which state. A write changes ctime, which no program can set: two equal
// identities under one name mean equal content, unless the clock was set back in between or the
// file system keeps no ctime.
struct FileIdentity {
  std::uint64_t size = 0;  // bytes
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
[[nodiscard]] FileIdentity identity_of(const struct ::stat& info);

// A file mapped read-only for the life of this object. Movable. A file that shrinks while mapped
// faults on access: weights are replaced by rename, never in place.
class MappedFile {
 public:
  [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] const FileIdentity& identity() const { return identity_; }  // when it was opened

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  FileIdentity identity_;
};

}  // namespace nacelle
