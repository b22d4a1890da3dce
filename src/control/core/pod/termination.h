// termination.h: the end of a run in words for people.
//
// Home:    pure.
// Bounds:  messages of kMaxMessage bytes.
// Source:  kubernetes-api.md section 22.1 (reasons, exit codes, messages).
#pragma once

#include "control/core/pod/pod_events.h"

namespace nacelle::control::pod {

inline constexpr std::size_t kMaxMessage = 4096;

[[nodiscard]] Termination termination_of(const Container& container, const ContainerState& state,
                                         const Exit& exit, Instant now);

// The end of a text, at most `limit` bytes and `lines` lines, whole lines and characters only.
[[nodiscard]] std::string tail_of(std::string_view text, std::size_t limit, std::size_t lines);

}  // namespace nacelle::control::pod
