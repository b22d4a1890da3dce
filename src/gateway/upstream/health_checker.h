// health_checker.h: asks the endpoints of a cluster again and again whether they are well.
//
// Ends by itself when the cluster's picker is gone: a reload drops clusters without further ado.
//
// Home:    one loop; started from any thread.
#pragma once

#include <memory>

#include "async/task_scope.h"
#include "gateway/upstream/cluster_picker.h"
#include "net/http/client.h"

namespace nacelle::gateway {

// One task per endpoint in `scope`, whose loop is `client`'s. Call on that loop. `options` say
// which protocol is spoken.
void start_health_checks(async::StopScope& scope, net::http::HttpClient& client,
                         const HealthCheckConfig& config, const net::http::ClientOptions& options,
                         const std::shared_ptr<ClusterPicker>& picker);

}  // namespace nacelle::gateway
