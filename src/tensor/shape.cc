#include "tensor/shape.h"

#include <algorithm>
#include <limits>

namespace nacelle {

Result<Shape> Shape::make(std::span<const std::size_t> dims) {
  if (dims.size() > kMaxDims) {
    return invalid_argument("a tensor has {} dimensions, at most {} are supported", dims.size(),
                            kMaxDims);
  }
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  // Zero extents do not excuse an overflow of the others: strides would still overflow.
  std::size_t product = 1;
  for (const std::size_t dim : dims) {
    if (dim > kMost || (dim != 0 && product > kMost / dim)) {
      return invalid_argument("a tensor's element count is beyond 2^63");
    }
    product *= std::max<std::size_t>(dim, 1);
  }
  Shape shape;
  std::copy(dims.begin(), dims.end(), shape.dims_.begin());
  shape.rank_ = dims.size();
  return shape;
}

std::size_t Shape::num_elements() const {
  std::size_t product = 1;
  for (const std::size_t dim : dims()) product *= dim;
  return product;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (std::size_t axis = 0; axis < rank_; ++axis) {
    if (axis != 0) text += ", ";
    text += std::to_string(dims_[axis]);
  }
  return text + "]";
}

}  // namespace nacelle
