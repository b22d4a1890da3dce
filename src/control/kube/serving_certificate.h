// serving_certificate.h: the Secret with the certificate of a service's pods.
//
// Self-signed for the names of the service's Services, an ECDSA key; made once and again when its
// renewal date is past. Every pod of a service mounts it, whether TLS is on or not.
//
// Home:    the client's loop: keys are random, so this is no part of the pure core.
// Errors:  none: a certificate that cannot be made is asked for again at the next look.
// Source:  kserve.md section A9 (TLS secret), A22 row 14 (names only, no addresses of pods).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/core/decision.h"

namespace nacelle::control {

[[nodiscard]] std::string certificate_name(const std::string& service);

// `secret` is the one that is there. A stopped service has none.
[[nodiscard]] std::optional<Action> certificate_action(const Json& service, bool stopped,
                                                       const std::optional<Json>& secret,
                                                       const std::string& cluster_domain,
                                                       std::int64_t now_s);

}  // namespace nacelle::control
