// container_fields.h: the parts of parse_pod(): each reads one object and complains through it.
//
// Home:    pure; inside of core/pod.
#pragma once

#include "control/core/pod/fields.h"
#include "control/core/pod/pod_spec.h"

namespace nacelle::control::pod {

[[nodiscard]] Container read_container(const Fields& from);
[[nodiscard]] std::optional<Probe> read_probe(const Fields& owner, std::string_view name,
                                              ProbeKind kind);
[[nodiscard]] Handler read_handler(const Fields& from);
[[nodiscard]] Volume read_volume(const Fields& from);
[[nodiscard]] ResourceRef read_resource_ref(const Fields& from);
[[nodiscard]] SecurityContext read_security(const Fields& from);
// A required, non-empty string.
[[nodiscard]] std::string required_text(const Fields& from, std::string_view name);

}  // namespace nacelle::control::pod
