// tensor_view.h: a tensor somebody else owns: bytes, element type, shape. Row-major and dense.
//
// The memory (a mapped checkpoint, a Buffer) must outlive the view. Copying a view copies no data.
//
// Errors:  make() returns invalid_argument when the byte count does not match dtype and shape, or
//          the address is not aligned to the element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/half.h"
#include "tensor/shape.h"

namespace nacelle {

template <class T>
struct DTypeOf;  // DTypeOf<float>::value == DType::kF32
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kF64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kF32;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::kF16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::kBF16;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::kI64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::kI32;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::kI16;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::kI8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::kU8;
};

class TensorView {
 public:
  TensorView() = default;  // no data, zero elements

  // For memory that the program itself laid out.
  TensorView(const void* data, DType dtype, Shape shape)
      : data_(static_cast<const std::byte*>(data)), dtype_(dtype), shape_(shape) {}

  // For bytes that come from outside.
  [[nodiscard]] static Result<TensorView> make(std::span<const std::byte> bytes, DType dtype,
                                               const Shape& shape);

  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::size_t num_elements() const { return shape_.num_elements(); }
  [[nodiscard]] std::size_t size_bytes() const { return num_elements() * size_of(dtype_); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_bytes()}; }

  // The elements as T; T must be the view's element type.
  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    CHECK(DTypeOf<T>::value == dtype_);
    return {reinterpret_cast<const T*>(data_), num_elements()};
  }

  // Rows [begin, begin + count) of the first axis.
  [[nodiscard]] TensorView rows(std::size_t begin, std::size_t count) const;

 private:
  const std::byte* data_ = nullptr;
  DType dtype_ = DType::kF32;
  Shape shape_{0};
};

}  // namespace nacelle
