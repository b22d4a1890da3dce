// flow_assembly.h: the flow-control part of a configuration as flow/ takes it.
//
// Home:    pure but for the plugins it makes on demand.
// Source:  router.md sections 7 and 12.
#pragma once

#include "router/config/detector_plugin.h"
#include "router/config/endpoint_picker_config.h"
#include "router/flow/flow_config.h"

namespace nacelle::router {

[[nodiscard]] flow::FlowControlConfig build_flow_control(const EndpointPickerConfig& config,
                                                         BuildContext& context, Problems& problems);

}  // namespace nacelle::router
