#include "model/quantization/module_tensors.h"

#include <algorithm>
#include <cmath>

#include "tensor/convert.h"

namespace nacelle::model {
namespace {

std::string joined(std::initializer_list<DType> dtypes) {
  std::string out;
  for (const DType dtype : dtypes) {
    if (!out.empty()) out += ", ";
    out += safetensors_name(dtype);
  }
  return out;
}

std::string joined(std::initializer_list<Shape> shapes) {
  std::string out;
  for (const Shape& shape : shapes) {
    if (!out.empty()) out += " or ";
    out += shape.to_string();
  }
  return out;
}

}  // namespace

bool ModuleTensors::has(std::string_view suffix) const {
  return store_.stored_dtype(name(suffix)).has_value();
}

Status ModuleTensors::wrong(std::string_view suffix, std::string_view what) const {
  return invalid_argument("{}: tensor {}: {}", store_.place_of(name(suffix)), name(suffix), what);
}

Result<Weight> ModuleTensors::fetch(std::string_view suffix, std::initializer_list<DType> dtypes,
                                    const Shape& shape) const {
  return fetch(suffix, dtypes, {shape});
}

Result<Weight> ModuleTensors::fetch(std::string_view suffix, std::initializer_list<DType> dtypes,
                                    std::initializer_list<Shape> shapes) const {
  Result<Weight> weight = store_.fetch_stored(name(suffix));
  if (!weight) return weight;
  const TensorView& view = weight->view();
  if (std::find(dtypes.begin(), dtypes.end(), view.dtype()) == dtypes.end()) {
    return wrong(suffix, fmt::format("has dtype {}, quantization_config implies {}",
                                     safetensors_name(view.dtype()), joined(dtypes)));
  }
  if (std::find(shapes.begin(), shapes.end(), view.shape()) == shapes.end()) {
    return wrong(suffix, fmt::format("has shape {}, config.json implies {}",
                                     view.shape().to_string(), joined(shapes)));
  }
  return weight;
}

Result<std::vector<float>> ModuleTensors::scales(std::string_view suffix,
                                                 std::initializer_list<Shape> shapes) const {
  ASSIGN_OR_RETURN(const Weight weight,
                   fetch(suffix, {DType::kF32, DType::kBF16, DType::kF16}, shapes));
  const TensorView& view = weight.view();
  std::vector<float> out(view.num_elements());
  RETURN_IF_ERROR(convert(view.dtype(), view.data(), DType::kF32, out.data(), out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(out[i])) {
      return wrong(suffix, fmt::format("element {} is {}, expected a finite scale", i, out[i]));
    }
  }
  return out;
}

}  // namespace nacelle::model
