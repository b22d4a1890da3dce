// vllm_flags.h: the flags of `nacelle serve` (and `vllm serve`), as a table.
//
// Every flag that vLLM's production manifests use parses. Those with FlagEffect::kWorks change what
// this engine does; the others are accepted so that a manifest runs unchanged, and named in one log
// line. Source: engine.md section 1 and section 34.
#pragma once

#include <span>

#include "cli/flags/flag_spec.h"

namespace nacelle::cli {

[[nodiscard]] std::span<const FlagSpec> vllm_serve_flags();

}  // namespace nacelle::cli
