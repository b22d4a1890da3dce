// flow_loads.h: a router's pool as flow control sees it.
#pragma once

#include <vector>

#include "router/flow/flow_controller.h"
#include "router/router.h"

namespace nacelle::apps {

// What is known of every endpoint that serves. Takes the router's lock.
void append_flow_loads(const router::Router& router, std::vector<router::flow::EndpointLoad>& out);

}  // namespace nacelle::apps
