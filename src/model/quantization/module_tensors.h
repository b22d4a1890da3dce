// module_tensors.h: the tensors of one quantised linear, fetched by suffix and checked.
//
// Home:    one thread, as its store.
// Errors:  not_found for a missing tensor; invalid_argument naming file, tensor, value and what the
//          method expects of it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/weights.h"

namespace nacelle::model {

class ModuleTensors {
 public:
  // `module` is the name without the last part: "model.layers.0.mlp.down_proj".
  ModuleTensors(WeightStore& store, std::string module)
      : store_(store), module_(std::move(module)) {}

  [[nodiscard]] bool has(std::string_view suffix) const;

  // A tensor of exactly this shape and one of these dtypes, as stored.
  [[nodiscard]] Result<Weight> fetch(std::string_view suffix, std::initializer_list<DType> dtypes,
                                     const Shape& shape) const;
  // The same with one of several shapes.
  [[nodiscard]] Result<Weight> fetch(std::string_view suffix, std::initializer_list<DType> dtypes,
                                     std::initializer_list<Shape> shapes) const;
  // Scales of any floating dtype as f32; each must be finite.
  [[nodiscard]] Result<std::vector<float>> scales(std::string_view suffix,
                                                  std::initializer_list<Shape> shapes) const;

  // The error for a tensor whose content is wrong: "FILE: tensor NAME: what".
  [[nodiscard]] Status wrong(std::string_view suffix, std::string_view what) const;

  [[nodiscard]] WeightStore& store() const { return store_; }

 private:
  std::string name(std::string_view suffix) const { return module_ + "." + std::string(suffix); }

  WeightStore& store_;
  std::string module_;
};

}  // namespace nacelle::model
