#include "model/content_hash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

namespace nacelle::model {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{32} << 20;  // of one task; part of the result
constexpr std::size_t kReadBytes = std::size_t{256} << 10;      // stays in the second-level cache

struct Piece {
  std::size_t file = 0;
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  XXH128_hash_t hash{};
};

class OpenFile {
 public:
  explicit OpenFile(const CheckpointFile& file)
      : file_(&file), descriptor_(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(OpenFile&& other) noexcept
      : file_(other.file_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Still the file that was opened before, unchanged.
  [[nodiscard]] Status check() const {
    struct stat info {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &info) != 0) {
      return unavailable("cannot open {} again", file_->path.string());
    }
    if (identity_of(info) != file_->identity) {
      return unavailable("{} was replaced or changed while it was in use", file_->path.string());
    }
    return {};
  }

  // False when the piece cannot be read to its end.
  [[nodiscard]] bool hash(Piece& piece) const {
    const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                         XXH3_freeState);
    const auto buffer = std::make_unique<std::byte[]>(kReadBytes);
    XXH3_128bits_reset(state.get());
    for (std::uint64_t done = 0; done < piece.size;) {
      const std::size_t want = std::min<std::uint64_t>(kReadBytes, piece.size - done);
      const ssize_t got =
          ::pread(descriptor_, buffer.get(), want, static_cast<off_t>(piece.begin + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      XXH3_128bits_update(state.get(), buffer.get(), static_cast<std::size_t>(got));
      done += static_cast<std::uint64_t>(got);
    }
    piece.hash = XXH3_128bits_digest(state.get());
    return true;
  }

 private:
  const CheckpointFile* file_;
  int descriptor_;
};

}  // namespace

Result<ContentHash> hash_content(std::span<const CheckpointFile> files, kernels::WorkerPool* pool) {
  std::vector<OpenFile> open;
  std::vector<Piece> pieces;
  std::string summary;  // what the result is a hash of
  for (std::size_t i = 0; i < files.size(); ++i) {
    open.emplace_back(files[i]);
    RETURN_IF_ERROR(open.back().check());
    const std::uint64_t size = files[i].identity.size;
    summary += fmt::format("{}\n{}\n", files[i].path.filename().string(), size);
    for (std::uint64_t begin = 0; begin < size; begin += kPieceBytes) {
      pieces.push_back({i, begin, std::min(kPieceBytes, size - begin), {}});
    }
  }
  std::atomic<bool> all_read{true};
  const auto hash_one = [&](std::size_t i) {
    if (!open[pieces[i].file].hash(pieces[i])) all_read.store(false);
  };
  if (pool != nullptr) {
    pool->run(pieces.size(), hash_one);
  } else {
    for (std::size_t i = 0; i < pieces.size(); ++i) hash_one(i);
  }
  if (!all_read.load()) return unavailable("the checkpoint cannot be read to its end");
  for (const OpenFile& file : open) RETURN_IF_ERROR(file.check());
  for (const Piece& piece : pieces) {
    summary += fmt::format("{:016x}{:016x}\n", piece.hash.high64, piece.hash.low64);
  }
  const XXH128_hash_t hash = XXH3_128bits(summary.data(), summary.size());
  return ContentHash{hash.high64, hash.low64};
}

}  // namespace nacelle::model
