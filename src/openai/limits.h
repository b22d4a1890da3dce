// limits.h: bounds on what one body may hold, so that no request costs unbounded memory or time.
//
// The size of the whole body is the server's business (serve/server_config.h).
#pragma once

#include <cstddef>

namespace nacelle::openai {

inline constexpr std::size_t kMaxJsonDepth = 128;    // nested objects and arrays
inline constexpr std::size_t kMaxStopStrings = 256;  // each is searched at every token
inline constexpr std::size_t kMaxStopStringBytes =
    4096;  // of one; streamed text is held back by this
inline constexpr std::size_t kMaxBadWords = 1024;
inline constexpr std::size_t kMaxTokenSetSize = 1 << 20;  // stop ids, biased ids, allowed ids
inline constexpr std::size_t kMaxNameBytes = 1024;        // request ids, roles, tool names
inline constexpr std::size_t kMaxPrompts = 16384;         // of one completion request

}  // namespace nacelle::openai
