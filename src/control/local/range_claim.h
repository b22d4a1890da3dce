// range_claim.h: a data folder's claim on a range of loopback addresses (core/loopback_range.h).
//
// The claim locks the folder, takes the range that the folder had last or else a free one, and
// writes down which.
//
// It is the name of an abstract Unix socket, which lives where the addresses live (in the
// network namespace), belongs to one process at a time and goes with it, however it ends:
//   nacelle/range/3                        the process that has range 3
//   nacelle/range/3/<folder>/<pid>         a shim of that folder: its container has such an address
// So the containers that a killed process leaves behind keep the range for their folder, and only
// the folder can take it up again. <folder> is device and inode: a copy of a folder is another one.
//
// Home:    any thread. Movable; the claim ends with the object.
// Errors:  unavailable while another process has the folder, or where there are no such names;
//          resource_exhausted when all ranges are in use; the file's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_lock.h"
#include "base/result.h"
#include "control/core/loopback_range.h"
#include "control/local/spawn.h"

namespace nacelle::control {

class RangeClaim {
 public:
  static constexpr std::string_view kNames = "nacelle/range";
  static constexpr Duration kPatience = 10s;

  // `folder` exists. `names` is for tests: what they claim is nobody else's. Waits, for kPatience
  // at most, while an earlier process of the folder is still ending.
  [[nodiscard]] static Result<RangeClaim> take(const std::filesystem::path& folder,
                                               std::string_view names = kNames);

  [[nodiscard]] const LoopbackRange& range() const { return range_; }
  // What shims hold: hold_name(holder() + "/" + pid).
  [[nodiscard]] const std::string& holder() const { return holder_; }

 private:
  RangeClaim(FileLock lock, OwnedFd socket, LoopbackRange range, std::string holder)
      : lock_(std::move(lock)),
        socket_(std::move(socket)),
        range_(range),
        holder_(std::move(holder)) {}

  FileLock lock_;
  OwnedFd socket_;
  LoopbackRange range_;
  std::string holder_;
};

// Takes an abstract socket name for as long as the descriptor is open. already_exists when it is
// another's.
[[nodiscard]] Result<OwnedFd> hold_name(std::string_view name);

}  // namespace nacelle::control
