// packed_cache_options.h: where packed weights may be kept on disk (packed_cache.h), and what
// became of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace nacelle::model {

struct PackedCacheEvent {
  enum class Kind {
    kMapped,    // the file serves this process
    kWritten,   // the file is there now, and this process uses it too
    kRejected,  // there is a file that must not be used: why
    kSkipped,   // no file is written: why
  };
  Kind kind = Kind::kMapped;
  std::filesystem::path file;
  std::string why;
  std::uint64_t bytes = 0;
};

struct PackedCacheOptions {
  enum class Mode {
    kOff,
    kAuto,    // beside the model, else below `fallback`; large models only, while the disk has room
    kFolder,  // below `folder`, whatever the size
  };
  Mode mode = Mode::kOff;
  std::filesystem::path folder;
  std::filesystem::path fallback;              // "": none
  std::uint64_t min_bytes = 64u << 20;         // kAuto: smaller checkpoints pack in no time
  std::chrono::milliseconds max_wait{10'000};  // for a process that packs the same
  // Called on the loading thread and on the writer's.
  std::function<void(const PackedCacheEvent&)> report;
};

}  // namespace nacelle::model
