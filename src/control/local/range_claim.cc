#include "control/local/range_claim.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.h"

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "loopback-range";
constexpr const char* kLock = "loopback-range.lock";
constexpr std::size_t kMostSockets = 64 << 20;  // bytes of the kernel's list

Result<std::string> identity_of_folder(const fs::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return unavailable("{}: {}", folder.string(), std::strerror(errno));
  }
  return fmt::format("{:x}-{:x}", info.st_dev, info.st_ino);
}

std::optional<int> remembered(const fs::path& file) {
  const Result<std::string> text = read_file(file, 64);
  int index = -1;
  if (!text.ok()) return std::nullopt;
  std::from_chars(text->data(), text->data() + text->size(), index);
  if (index < 0 || index >= LoopbackRange::kCount) return std::nullopt;
  return index;
}

struct Holders {
  bool own = false, others = false;
};
// Whose containers hold a range: their names are in the kernel's list of sockets, with "@" for the
// zero byte that they begin with.
Holders holders_of(std::string_view range, std::string_view own) {
  Holders out;
  const Result<std::string> sockets = read_file("/proc/net/unix", kMostSockets);
  if (!sockets.ok()) return out;
  const std::string mark = fmt::format(" @{}/", range);
  const std::string ours = fmt::format("{}/", own);
  for (std::size_t at = sockets->find(mark); at != std::string::npos;
       at = sockets->find(mark, at + 1)) {
    const bool is_ours = std::string_view(*sockets).substr(at + mark.size()).starts_with(ours);
    (is_ours ? out.own : out.others) = true;
  }
  return out;
}

// already_exists: another's.
Result<OwnedFd> take_range(const std::string& name, std::string_view own) {
  const auto end = std::chrono::steady_clock::now() + RangeClaim::kPatience;
  for (;;) {
    Result<OwnedFd> socket = hold_name(name);
    const Holders holders = holders_of(name, own);
    if (socket.ok() && holders.others) return already_exists("{} is in use by containers", name);
    // Where our containers are, nobody else stays: it is the process that they outlived.
    const bool ends_soon = holders.own && std::chrono::steady_clock::now() < end;
    if (socket.ok() || socket.error().code() != Code::kAlreadyExists || !ends_soon) return socket;
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

Result<OwnedFd> hold_name(std::string_view name) {
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) return unavailable("socket: {}", std::strerror(errno));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof(address.sun_path)) {
    return invalid_argument("the name {} has more than {} bytes", name,
                            sizeof(address.sun_path) - 1);
  }
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    if (errno == EADDRINUSE) return already_exists("{} is in use", name);
    return unavailable("bind @{}: {}", name, std::strerror(errno));
  }
  return socket;
}

Result<RangeClaim> RangeClaim::take(const fs::path& folder, std::string_view names) {
  ASSIGN_OR_RETURN(FileLock lock, FileLock::take(folder / kLock));
  ASSIGN_OR_RETURN(const std::string own, identity_of_folder(folder));
  const std::optional<int> last = remembered(folder / kFile);
  std::vector<int> order;
  if (last) order.push_back(*last);
  for (int i = 0; i < LoopbackRange::kCount; ++i) {
    if (last != i) order.push_back(i);
  }
  for (const int index : order) {
    const std::string name = fmt::format("{}/{}", names, index);
    Result<OwnedFd> socket = take_range(name, own);
    if (!socket.ok() && socket.error().code() == Code::kAlreadyExists) continue;
    if (!socket.ok()) return socket.error();
    if (last != index) {
      RETURN_IF_ERROR(write_file_atomically(folder / kFile, fmt::format("{}\n", index)));
    }
    return RangeClaim(std::move(lock), std::move(*socket), LoopbackRange{index},
                      fmt::format("{}/{}", name, own));
  }
  return resource_exhausted(
      "all {} ranges of loopback addresses are in use by other clusters of this machine",
      LoopbackRange::kCount);
}

}  // namespace nacelle::control
