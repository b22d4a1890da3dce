// model_folder.h: what a folder with a model says of its memory: config.json, and how many bytes of
// weights lie beside it.
//
// Weights are the *.safetensors that model.safetensors.index.json names, or all of them where there
// is no index. Only their sizes are read.
//
// Home:    a thread that may block: the folder may be on a disk that is far away.
// Errors:  none: what is wrong is in the facts, with the file and the reason.
// Bounds:  kMaxConfigBytes, kMaxIndexBytes, kMaxEntries of the folder; only regular files are
// opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/file.h"
#include "control/core/llmd/fit.h"

namespace nacelle::control {

inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxIndexBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxEntries = 10'000;

struct ModelReading {
  // What it was read from: facts are read again when any of this moved.
  FileIdentity config, index;
  std::map<std::string, std::uint64_t> weights;  // bytes by name

  llmd::ModelFacts facts;
};

// `before` is an earlier reading of the same folder.
[[nodiscard]] ModelReading read_model_folder(const std::filesystem::path& folder,
                                             const ModelReading& before = {});

}  // namespace nacelle::control
