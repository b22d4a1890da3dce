// transpose.h: rows of words become columns: the copy that packing is made of.
//
//   target[step * width + j] = word `step` of rows[j],  j < rows.size(), step < num_steps
//
// Blocks of words are turned over in vector registers, so that packing runs at the rate of memory.
// Plain vector code of the compiler's baseline: memory sets the pace, wider registers gain nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nacelle::kernels {

// Rows may be aligned to their bytes only; other words of `target` are left as they are.
void transpose_words(std::span<const std::byte* const> rows, std::size_t num_steps,
                     std::size_t width, std::uint32_t* target);
void transpose_words(std::span<const std::byte* const> rows, std::size_t num_steps,
                     std::size_t width, std::uint16_t* target);

}  // namespace nacelle::kernels
