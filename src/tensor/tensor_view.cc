#include "tensor/tensor_view.h"

#include <array>

namespace nacelle {

Result<TensorView> TensorView::make(std::span<const std::byte> bytes, DType dtype,
                                    const Shape& shape) {
  const std::size_t elements = shape.num_elements();
  const std::size_t element_bytes = size_of(dtype);
  if (bytes.size() / element_bytes != elements || bytes.size() % element_bytes != 0) {
    return invalid_argument("{} bytes do not hold a {} tensor of shape {}", bytes.size(),
                            to_string(dtype), shape.to_string());
  }
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % element_bytes != 0) {
    return invalid_argument("a {} tensor starts at an address that is no multiple of {}",
                            to_string(dtype), element_bytes);
  }
  return TensorView(bytes.data(), dtype, shape);
}

TensorView TensorView::rows(std::size_t begin, std::size_t count) const {
  CHECK(shape_.rank() >= 1 && begin <= shape_[0] && count <= shape_[0] - begin);
  std::array<std::size_t, Shape::kMaxDims> dims{};
  std::size_t row_elements = 1;
  for (std::size_t axis = 0; axis < shape_.rank(); ++axis) {
    dims[axis] = axis == 0 ? count : shape_[axis];
    if (axis != 0) row_elements *= shape_[axis];
  }
  Result<Shape> part = Shape::make(std::span(dims.data(), shape_.rank()));
  CHECK(part.ok());
  return TensorView(data_ + begin * row_elements * size_of(dtype_), dtype_, *part);
}

}  // namespace nacelle
