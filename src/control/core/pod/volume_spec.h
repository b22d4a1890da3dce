// volume_spec.h: where the files of a volume come from.
//
// Home:    pure values.
// Source:  kubernetes-api.md sections 19 and 22.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/quantity.h"
#include "control/core/pod/fields.h"

namespace nacelle::control::pod {

// A file of a configMap or secret volume: `key` at `path`. No items means every key at its name.
struct KeyToPath {
  std::string key;
  std::string path;
  std::optional<int> mode;
};

enum class ConfigKind : std::uint8_t { kConfigMap, kSecret };
constexpr std::string_view to_string(ConfigKind kind) {
  return kind == ConfigKind::kConfigMap ? "configmap" : "secret";
}

struct ConfigVolume {
  ConfigKind kind = ConfigKind::kConfigMap;
  std::string name;
  bool optional = false;
  std::vector<KeyToPath> items;
};

// A value of the pod itself: metadata ("fieldPath") or a resource of one of its containers.
struct FieldRef {
  std::string path;
};
struct ResourceRef {
  std::string container;  // "" = the container that asks
  std::string resource;   // "limits.cpu"
  Quantity divisor;       // zero = 1
};
struct DownwardFile {
  std::string path;
  std::variant<FieldRef, ResourceRef> source;
  std::optional<int> mode;
};
struct DownwardVolume {
  std::vector<DownwardFile> files;
};

struct TokenVolume {  // serviceAccountToken
  std::string path;
  std::string audience;
  std::int64_t expiration_seconds = 3600;
};

// Files written by the agent: a configMap, secret or downwardAPI volume is one with one source.
struct FilesVolume {
  using Source = std::variant<ConfigVolume, DownwardVolume, TokenVolume>;
  std::vector<Source> sources;
  int default_mode = 0644;
};
struct EmptyDirVolume {
  bool memory = false;
  std::optional<Quantity> size_limit;
};
struct HostPathVolume {
  std::string path;
  std::string type;  // "", Directory, DirectoryOrCreate, File, FileOrCreate, ...
};
struct ClaimVolume {
  std::string claim;
  bool read_only = false;
};
struct UnsupportedVolume {
  std::string kind;  // the field that names the source: "nfs"
};

struct Volume {
  std::string name;
  std::variant<EmptyDirVolume, HostPathVolume, FilesVolume, ClaimVolume, UnsupportedVolume> source;
};

struct VolumeMount {
  std::string volume;
  std::string path;              // in the container; absolute
  std::string sub_path;          // below the volume's root; without ".."
  bool expand_sub_path = false;  // sub_path holds $(VAR)
  bool read_only = false;
};

}  // namespace nacelle::control::pod
