// load_quantization.h: what `--quantization` asks for.
//
//   ""                                     as the checkpoint stores its weights
//   awq compressed-tensors fp8 gptq        the same, and config.json must name that method
//   int8                                   dense linears become int8, one scale per row
//   int4 int4-g128 int4-g64 int4-g32       dense linears become int4 in groups of so many
//   ...-head8 ...-head16                   the output head as int8, or in the model's dtype
//
// Weights that the checkpoint already stores as int8 or int4 cannot be quantised again; those that
// load dense (fp8, 8-bit groups) can. int8 and int4 take the head along as int8, the others leave
// it: it is the largest matrix of a small model, and 8 bits of it change the answers less than 4
// bits of the rest (src/model/README.md has the measured table).
//
// Home:    a value.
// Errors:  invalid_argument for an unknown name or one that contradicts config.json.
// Source:  the method names are vLLM's; engine.md sections 1 and 30.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::model {

struct LinearScheme;
struct QuantizationSpec;

struct LoadQuantization {
  enum class Linears : std::uint8_t { kAsStored, kInt8, kInt4 };

  Linears linears = Linears::kAsStored;
  std::size_t group_size = 128;  // kInt4: the largest; smaller where it does not divide k
  bool int8_head = false;
  std::string method{};  // that config.json must name; "" = any or none

  [[nodiscard]] static Result<LoadQuantization> parse(std::string_view name);

  // Whether this can be done with such a checkpoint; null: all its weights are dense.
  [[nodiscard]] Status check(const QuantizationSpec* checkpoint) const;

  // What to make of dense values of a linear that the checkpoint, had it a file, would store so.
  [[nodiscard]] static LoadQuantization like(const LinearScheme& scheme);
};

// Bytes of a linear with `elements` weights, as far as it can be known before loading; for the
// check against the machine's memory. `scheme` as in QuantizationSpec::scheme_of.
[[nodiscard]] double bytes_per_weight(const LoadQuantization& wanted, const LinearScheme* scheme,
                                      std::size_t dense_bytes);

}  // namespace nacelle::model
