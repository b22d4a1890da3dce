// limits.h: what one rendering of a chat template may use.
//
// A template comes with a model or, when allowed, with a request, so it is untrusted code. Each
// bound ends the rendering with out_of_range, which the HTTP edge answers with 400; the process
// lives on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nacelle::chat_template {

struct RenderLimits {
  // Evaluated nodes, loop rounds and handled items; copying text costs one step per 64 bytes.
  std::uint64_t max_steps = 5'000'000;
  // Macro calls and recursive loops inside each other. CPython stops at about 250.
  std::uint32_t max_depth = 200;
  std::size_t max_output_bytes = std::size_t{64} << 20;
  // Values alive at one time, the messages included.
  std::size_t max_memory_bytes = std::size_t{512} << 20;
};

}  // namespace nacelle::chat_template
