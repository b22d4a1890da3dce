// normalizer.h: rewrites text before it is split (the "normalizer" of tokenizer.json).
//
// Home:  any thread; immutable.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

struct NormalText {
  std::string text;
  // True while the first character stands for the first character of the whole input: Metaspace
  // with prepend_scheme "first" asks for it.
  bool at_origin = true;
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(NormalText& in_out) const = 0;
};

// By "type". Errors name the path and the key.
[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonNode& node,
                                                                  int depth = 0);

}  // namespace nacelle::tokenizer
