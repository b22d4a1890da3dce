// volumes.h: makes the volumes of a pod as folders on this machine, and takes them away.
//
//   <pod folder>/volumes/<name>/     emptyDir, configMap, secret, downwardAPI, projected
//   /dev/shm/nacelle-<uid>-<name>/   emptyDir in memory, where /dev/shm is there
//
// Files of config maps and the like appear and change as a whole: they lie in a folder named by
// time, the link ..data points to it and is swapped by rename.
//
// Home:    any thread but one at a time per pod; blocks on the disk.
// Errors:  failed_precondition naming the volume and what is missing: it may still come.
// Source:  kubernetes-api.md section 22.4.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/core/pod/pod_facts.h"
#include "control/local/node/pod_api.h"

namespace nacelle::control::node {

using VolumePaths = std::map<std::string, std::filesystem::path>;  // by the volume's name

// One file of a volume.
struct VolumeFile {
  std::string path;  // relative
  std::string content;
  int mode = 0644;
  friend bool operator==(const VolumeFile&, const VolumeFile&) = default;
};

// What the files of a volume are now. Later sources win.
[[nodiscard]] Result<std::vector<VolumeFile>> volume_files(const pod::PodSpec& spec,
                                                           const pod::FilesVolume& volume,
                                                           const pod::PodPlace& place,
                                                           const NodeInputs& inputs);

// Writes the files so that readers see the old ones or the new ones. Does nothing when they are the
// same as those there.
[[nodiscard]] Status write_volume_files(const std::filesystem::path& folder,
                                        const std::vector<VolumeFile>& files);

// All volumes of a pod. May be called again: what is there stays.
[[nodiscard]] Result<VolumePaths> make_volumes(const pod::PodSpec& spec, const pod::PodPlace& place,
                                               const NodeInputs& inputs,
                                               const std::filesystem::path& pod_folder);
// Brings config maps, secrets and the like up to date.
[[nodiscard]] Status refresh_volumes(const pod::PodSpec& spec, const pod::PodPlace& place,
                                     const NodeInputs& inputs,
                                     const std::filesystem::path& pod_folder);
// Removes what make_volumes() made; hostPath and claims stay.
void remove_volumes(const pod::PodSpec& spec, const std::filesystem::path& pod_folder);

}  // namespace nacelle::control::node
