#include "control/kube/model_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;
using kube::Json;

constexpr const char* kConfig = "config.json";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::string_view kWeights = ".safetensors";

// Links are followed: folders of a download cache are made of them.
Result<FileIdentity> regular_file(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const char* why = std::strerror(errno);
    if (errno == ENOENT || errno == ENOTDIR) return not_found("{}: {}", path.string(), why);
    return unavailable("{}: {}", path.string(), why);
  }
  if (!S_ISREG(info.st_mode)) return invalid_argument("{} is not a regular file", path.string());
  return identity_of(info);
}

Status list_weights(const fs::path& folder, std::map<std::string, std::uint64_t>& out) {
  std::error_code error;
  std::size_t entries = 0;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (++entries > kMaxEntries) {
      return out_of_range("{} has more than {} entries", folder.string(), kMaxEntries);
    }
    std::string name = entry->path().filename().string();
    if (!name.ends_with(kWeights)) continue;
    ASSIGN_OR_RETURN(const FileIdentity file, regular_file(entry->path()));
    out.emplace(std::move(name), file.size);
  }
  if (error) return unavailable("{}: {}", folder.string(), error.message());
  return {};
}

Status look(const fs::path& folder, ModelReading& out) {
  ASSIGN_OR_RETURN(out.config, regular_file(folder / kConfig));
  const Result<FileIdentity> index = regular_file(folder / kIndex);
  if (index.ok()) {
    out.index = *index;
  } else if (index.error().code() != Code::kNotFound) {
    return index.error();
  }
  return list_weights(folder, out.weights);
}

Result<Json> read_json(const fs::path& path, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, max_bytes));
  Json out = Json::parse(text, nullptr, false);
  if (!out.is_object()) return invalid_argument("{} is no JSON object", path.string());
  return out;
}

// The files that the index names must be there: the engine reads no others.
Result<std::set<std::string>> indexed(const fs::path& folder, const ModelReading& reading) {
  ASSIGN_OR_RETURN(const Json index, read_json(folder / kIndex, kMaxIndexBytes));
  std::set<std::string> out;
  for (const auto& [tensor, file] : kube::map_at(index, {"weight_map"}).items()) {
    if (file.is_string()) out.insert(file.get<std::string>());
  }
  if (out.empty()) {
    return invalid_argument("{} names no file of weights", (folder / kIndex).string());
  }
  for (const std::string& name : out) {
    if (reading.weights.contains(name)) continue;
    const auto total = kube::number_at(index, {"metadata", "total_size"});
    return not_found(
        "{} is missing{}", (folder / name).string(),
        total ? "; with it there are " + llmd::in_gib(*total) + " GiB of weights" : "");
  }
  return out;
}

Result<std::int64_t> weight_bytes(const fs::path& folder, const ModelReading& reading) {
  const bool has_index = reading.index != FileIdentity{};
  std::set<std::string> wanted;
  if (has_index) {
    ASSIGN_OR_RETURN(wanted, indexed(folder, reading));
  }
  if (reading.weights.empty()) return not_found("{} has no *{}", folder.string(), kWeights);
  std::uint64_t sum = 0;
  constexpr auto kMost = static_cast<std::uint64_t>(llmd::kMostBytes);
  for (const auto& [name, bytes] : reading.weights) {
    if (has_index && !wanted.contains(name)) continue;
    sum = std::min(kMost, sum + std::min(kMost, bytes));
  }
  return static_cast<std::int64_t>(sum);
}

Result<llmd::ModelShape> read_shape(const fs::path& folder, const ModelReading& reading) {
  ASSIGN_OR_RETURN(const Json config, read_json(folder / kConfig, kMaxConfigBytes));
  ASSIGN_OR_RETURN(const std::int64_t bytes, weight_bytes(folder, reading));
  Result<llmd::ModelShape> shape = llmd::parse_shape(config, bytes);
  if (!shape.ok()) return shape.error().with_context(folder.string());
  return shape;
}

llmd::ModelFacts facts_of(Result<llmd::ModelShape> shape) {
  if (shape.ok()) return {*shape, "", ""};
  const bool missing = shape.error().code() == Code::kNotFound;
  return {std::nullopt, missing ? "ModelNotFound" : "ModelUnreadable", shape.error().message()};
}

}  // namespace

ModelReading read_model_folder(const fs::path& folder, const ModelReading& before) {
  ModelReading out;
  if (const Status looked = look(folder, out); !looked.ok()) {
    out.facts = facts_of(looked);
    return out;
  }
  const bool same =
      out.config == before.config && out.index == before.index && out.weights == before.weights;
  out.facts = same ? before.facts : facts_of(read_shape(folder, out));
  return out;
}

}  // namespace nacelle::control
