// usage.h: the tokens that one request cost, unified over providers.
//
// `input` counts every prompt token, cached ones included; `cached_input` and `cache_creation` are
// parts of it, `reasoning` is a part of `output`. Anthropic and Bedrock report the parts beside the
// rest; the readers add them up.
//
// Home:    a value.
// Source:  gateway.md section 8.2 ("Usage unification").
#pragma once

#include <cstdint>

namespace nacelle::provider {

struct TokenUsage {
  bool reported = false;  // the backend said anything at all
  std::uint64_t input = 0;
  std::uint64_t cached_input = 0;
  std::uint64_t cache_creation = 0;
  std::uint64_t output = 0;
  std::uint64_t reasoning = 0;

  [[nodiscard]] std::uint64_t total() const { return input + output; }
  friend bool operator==(const TokenUsage&, const TokenUsage&) = default;
};

}  // namespace nacelle::provider
