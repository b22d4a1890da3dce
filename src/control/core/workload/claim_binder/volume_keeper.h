// volume_keeper.h: the volumes' half of the binder: phases, and what becomes of a volume whose
// claim is gone.
//
// Home:    pure.
#pragma once

#include "control/core/workload/claim_binder/binder_base.h"

namespace nacelle::control::workload {

void keep_volume(const Json& volume, const ClaimsObserved& observed, BinderActions& actions);

}  // namespace nacelle::control::workload
