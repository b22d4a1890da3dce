#include "model/packed_cache_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "model/content_hash.h"
#include "model/packed_file.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;

// Whole huge pages a call: file systems then keep the file in pages of that size, and readers map
// them with one entry each instead of 512.
constexpr std::size_t kWriteBytes = PackedCacheHeader::kHugeAlignment;
constexpr std::int64_t kTickNs = 2'000'000'000;

// A file under a temporary name that goes away unless it is kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (!kept_) ::unlink(path_.c_str());
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  [[nodiscard]] Status write(std::uint64_t offset, std::span<const std::byte> bytes,
                             const std::stop_token& stop) const {
    while (!bytes.empty()) {
      if (stop.stop_requested()) return cancelled("the process ends");
      const std::size_t most = kWriteBytes - offset % kWriteBytes;
      const ssize_t put = ::pwrite(descriptor_, bytes.data(), std::min(most, bytes.size()),
                                   static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return error("write", put < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  [[nodiscard]] Status resize(std::uint64_t size) const {
    return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? Status()
                                                                   : error("resize", errno);
  }

  // Waits for the disk and takes the place of `target`.
  [[nodiscard]] Status keep_as(const fs::path& target) {
    if (::fsync(descriptor_) != 0) return error("write through", errno);
    if (::rename(path_.c_str(), target.c_str()) != 0) return error("rename", errno);
    kept_ = true;
    return {};
  }

  [[nodiscard]] Status error(const char* action, int number) const {
    const Code code = number == ENOSPC || number == EDQUOT || number == EFBIG
                          ? Code::kResourceExhausted
                          : Code::kUnavailable;
    return Status(code,
                  fmt::format("cannot {} {}: {}", action, path_.string(), std::strerror(number)));
  }

 private:
  fs::path path_;
  int descriptor_;
  bool kept_ = false;
};

// What writers that were killed left in the folder; its lock is ours.
void remove_leftovers(const fs::path& target) {
  const std::string prefix = target.filename().string() + ".tmp.";
  std::error_code error;
  for (fs::directory_iterator it(target.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->path().filename().string().starts_with(prefix)) fs::remove(it->path(), ignored);
  }
}

PackedCacheHeader header_of(const PackedCacheJob& job) {
  PackedCacheHeader header;
  header.recipe = job.recipe;
  header.sources = trusted_sources(job.sources, std::chrono::system_clock::now());
  for (const auto& [name, matrix] : job.matrices) {
    header.matrices.push_back({name, matrix.description(), 0, matrix.size_bytes()});
  }
  header.place_matrices();
  return header;
}

}  // namespace

std::vector<PackedCacheHeader::Source> trusted_sources(std::span<const CheckpointFile> files,
                                                       std::chrono::system_clock::time_point now) {
  const std::int64_t now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  std::vector<PackedCacheHeader::Source> out;
  for (const CheckpointFile& file : files) {
    const bool settled =
        std::max(file.identity.changed_ns, file.identity.modified_ns) < now_ns - kTickNs;
    out.push_back({file.path.filename().string(), settled ? file.identity : FileIdentity{}});
  }
  return out;
}

Result<std::uint64_t> write_packed_cache(const PackedCacheJob& job, const std::stop_token& stop) {
  remove_leftovers(job.file);
  fs::path temporary = job.file;
  temporary += fmt::format(".tmp.{}", ::getpid());
  TemporaryFile file(temporary);
  if (file.descriptor() < 0) return file.error("create", errno);

  PackedCacheHeader header = header_of(job);
  for (std::size_t i = 0; i < job.matrices.size(); ++i) {
    const kernels::PackedMatrix& matrix = job.matrices[i].matrix;
    RETURN_IF_ERROR(
        file.write(header.matrices[i].offset, {matrix.data(), matrix.size_bytes()}, stop));
  }
  RETURN_IF_ERROR(file.resize(header.file_bytes));
  // After the matrices: the files that they were made of are still the ones that are hashed.
  ASSIGN_OR_RETURN(header.content, hash_content(job.sources, nullptr));
  const std::string encoded = header.encode();
  RETURN_IF_ERROR(file.write(0, std::as_bytes(std::span(encoded)), stop));
  RETURN_IF_ERROR(file.keep_as(job.file));

  for (std::size_t i = 0; i < job.matrices.size() && !stop.stop_requested(); ++i) {
    RETURN_IF_ERROR(PackedFile::share_memory(job.matrices[i].matrix, file.descriptor(),
                                             header.matrices[i].offset));
  }
  return header.file_bytes;
}

}  // namespace nacelle::model
