// engine_args.h: what of an engine's command line decides how much memory it takes, and how much it
// does at once.
//
// Flags as vLLM reads them: `--flag value`, `--flag=value`, with _ or -, the last one counts; sizes
// as 8192, 8k (8,000) or 8K (8,192).
//
// Home:    pure.
// Errors:  invalid_argument naming the flag and its value; unimplemented for flags that change the
//          memory in ways that memory.h does not know.
// Source:  engine.md section 1.
#pragma once

#include <cstdint>
#include <optional>

#include "control/core/llmd/memory.h"
#include "kube/object.h"

namespace nacelle::control::llmd {

// `args` is a list of texts, each of one or more words: the preset's shell splits them.
[[nodiscard]] Result<EngineShape> engine_shape(const kube::Json& args);

// --max-num-seqs: what an engine runs at once; nothing when it is not given, or is no number.
[[nodiscard]] std::optional<std::int64_t> max_sequences(const kube::Json& args);

}  // namespace nacelle::control::llmd
