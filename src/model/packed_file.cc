#include "model/packed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#ifndef MADV_POPULATE_READ  // Linux 5.14; older headers lack the name
#define MADV_POPULATE_READ 22
#endif

namespace nacelle::model {
namespace {

constexpr std::size_t kHugePage = PackedCacheHeader::kHugeAlignment;
constexpr std::size_t kPopulateBytes = std::size_t{16} << 20;  // of one task
constexpr std::size_t kFixedBytes = 24;  // of the header: enough to know how long it is

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// Up to `size` bytes from the beginning.
Result<std::string> read_start(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unavailable("it cannot be read: {}", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Result<PackedCacheHeader> read_header(int fd, std::uint64_t file_bytes) {
  ASSIGN_OR_RETURN(std::string bytes, read_start(fd, kFixedBytes));
  std::uint32_t claimed = 0;
  if (bytes.size() == kFixedBytes) std::memcpy(&claimed, bytes.data() + 12, sizeof claimed);
  if (claimed > PackedCacheHeader::kMaxBytes) {
    return data_loss("the header claims {} bytes, accepted: at most {}", claimed,
                     PackedCacheHeader::kMaxBytes);
  }
  if (claimed > kFixedBytes) {
    ASSIGN_OR_RETURN(bytes, read_start(fd, claimed));
  }
  return PackedCacheHeader::parse(std::as_bytes(std::span(bytes)), file_bytes);
}

// Brings the pages in. False when the file has lost them; a kernel that does not know the request
// maps them on first access instead.
bool populate(std::span<const std::byte> bytes) {
  const std::size_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data()) / page * page;
  const std::size_t size = reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size() - begin;
  if (::madvise(reinterpret_cast<void*>(begin), size, MADV_POPULATE_READ) == 0) return true;
  return errno == EINVAL || errno == ENOSYS;
}

}  // namespace

struct PackedFile::Mapping {
  void* reserved = nullptr;
  std::size_t reserved_bytes = 0;
  std::span<const std::byte> bytes;
  ~Mapping() {
    if (reserved != nullptr) ::munmap(reserved, reserved_bytes);
  }
};

Result<PackedFile> PackedFile::open(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return not_found("{} is missing", path.string());
    return unavailable("it cannot be opened: {}", std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return data_loss("it is not a regular file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  PackedFile out;
  out.path_ = path;
  ASSIGN_OR_RETURN(out.header_, read_header(file.fd, size));

  auto mapping = std::make_shared<Mapping>();
  void* reserved = ::mmap(nullptr, size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return resource_exhausted("{} bytes cannot be mapped", size);
  mapping->reserved = reserved;
  mapping->reserved_bytes = size + kHugePage;
  const auto start =
      (reinterpret_cast<std::uintptr_t>(reserved) + kHugePage - 1) & ~(kHugePage - 1);
  void* mapped =
      ::mmap(reinterpret_cast<void*>(start), size, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd, 0);
  if (mapped == MAP_FAILED) return resource_exhausted("{} bytes cannot be mapped", size);
  (void)::madvise(mapped, size, MADV_HUGEPAGE);  // advice: refusal is harmless
  mapping->bytes = {static_cast<const std::byte*>(mapped), size};
  out.mapping_ = std::move(mapping);
  return out;
}

Result<kernels::PackedMatrix> PackedFile::matrix(std::string_view name,
                                                 kernels::WorkerPool& pool) const {
  const auto found = std::find_if(header_.matrices.begin(), header_.matrices.end(),
                                  [&](const auto& matrix) { return matrix.name == name; });
  if (found == header_.matrices.end()) return not_found("it has no matrix {}", name);
  const std::span<const std::byte> bytes =
      mapping_->bytes.subspan(found->offset, found->size_bytes);
  std::atomic<bool> all_there{true};
  pool.run((bytes.size() + kPopulateBytes - 1) / kPopulateBytes, [&](std::size_t task) {
    const std::size_t begin = task * kPopulateBytes;
    const auto part = bytes.subspan(begin, std::min(kPopulateBytes, bytes.size() - begin));
    if (!populate(part)) all_there.store(false);
  });
  if (!all_there.load()) return unavailable("pages of matrix {} cannot be read", name);
  return kernels::PackedMatrix::adopt(found->description, bytes, mapping_);
}

Status PackedFile::share_memory(const kernels::PackedMatrix& matrix, int descriptor,
                                std::uint64_t offset) {
  const std::size_t page = page_bytes();
  auto* const place = const_cast<std::byte*>(matrix.data());
  if (matrix.size_bytes() == 0 || reinterpret_cast<std::uintptr_t>(place) % page != 0) return {};
  const std::size_t size = (matrix.size_bytes() + page - 1) / page * page;
  // Replaces the pages in one step: a thread that reads them meanwhile waits in its page fault.
  if (::mmap(place, size, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor,
             static_cast<off_t>(offset)) == MAP_FAILED) {
    return resource_exhausted("{} bytes cannot be mapped", size);
  }
  (void)::madvise(place, size, MADV_HUGEPAGE);
  (void)populate({place, size});
  return {};
}

Status PackedFile::rewrite_header(const std::filesystem::path& path,
                                  const PackedCacheHeader& header) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    return permission_denied("{} cannot be written: {}", path.string(), std::strerror(errno));
  }
  const std::string bytes = header.encode();
  if (::pwrite(file.fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return unavailable("{} cannot be written: {}", path.string(), std::strerror(errno));
  }
  return {};
}

}  // namespace nacelle::model
