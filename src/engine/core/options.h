// options.h: the choices that the engine's configuration and its core share.
#pragma once

#include <cstdint>

namespace nacelle::engine {

enum class SchedulingPolicy { kFcfs, kPriority };

// Serialisation and digest of a block's hash. The plain names serialise as Python's pickle does.
enum class HashAlgorithm { kSha256, kSha256Cbor, kXxhash, kXxhashCbor };

}  // namespace nacelle::engine
