// claim_controller.h: claims and volumes find each other (control/core/workload/claim_binder), and
// the folders of released local-path volumes are removed.
//
// Removing takes its time and is done on a thread of the unit's own; the volume's object goes when
// its folder is gone. What cannot be removed is tried again after kTryAgain.
//
// Home:    the client's loop.
// Bounds:  one folder at a time; kMaxRemovals wait.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

// `folder` is where local-path volumes are made; "" makes none.
[[nodiscard]] std::unique_ptr<ControllerUnit> claim_controller(Workshop& workshop,
                                                               std::filesystem::path folder);

// The StorageClasses of local folders, for an API server to begin with: local-path, the default,
// whose volumes belong to the node of the first pod that uses them, and local-path-shared, whose
// volumes every node of this machine sees.
[[nodiscard]] std::vector<Json> local_path_classes();

}  // namespace nacelle::control
