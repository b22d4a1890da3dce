// local_path.h: a new volume for a claim: a folder of this machine.
//
// "<folder>[/<node>]/pvc-<uid>_<namespace>_<claim>": whoever looks into the folder sees whose it
// is, and nodes of one machine have volumes of their own.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control::workload {

// `node` is "" for a class that binds at once: then every node may use the volume.
[[nodiscard]] kube::Json local_path_volume(const kube::Json& claim, const kube::Json& storage_class,
                                           const std::string& folder, std::string_view node);

}  // namespace nacelle::control::workload
