// environment.h: the environment variables of a container, and its command and arguments with them.
//
// Order: service variables, envFrom, env; later ones win. A value of `env` sees what stands before
// it.
//
// Home:    pure.
// Errors:  failed_precondition naming the variable and the missing object or key: the container
// waits
//          with CreateContainerConfigError, since the object may still come; invalid_argument for a
//          reference that can never be right.
// Source:  kubernetes-api.md section 22.4.
#pragma once

#include <string>
#include <vector>

#include "control/core/pod/pod_facts.h"

namespace nacelle::control::pod {

struct Environment {
  StringMap variables;
  // Keys of envFrom sources that cannot be names of variables and were left out: told as an event.
  std::vector<std::string> skipped;
};

[[nodiscard]] Result<Environment> container_environment(const PodSpec& spec,
                                                        const Container& container,
                                                        const PodPlace& place,
                                                        const ConfigSource& source);

// <SVC>_SERVICE_HOST, _SERVICE_PORT[_<NAME>], _PORT, _PORT_<n>_<PROTO>[_PROTO|_PORT|_ADDR].
void add_service_variables(const std::vector<ServiceInfo>& services, StringMap& to);

}  // namespace nacelle::control::pod
