// shape.h: the extents of a tensor, row-major, kept inline (no allocation).
//
// Errors:  make() refuses more than kMaxDims dimensions and element counts beyond 2^63 - 1, because
//          shapes come from files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/check.h"
#include "base/result.h"

namespace nacelle {

class Shape {
 public:
  static constexpr std::size_t kMaxDims = 8;

  Shape() = default;  // a scalar: no dimensions, one element

  // For shapes that the program itself chooses.
  Shape(std::initializer_list<std::size_t> dims) {
    Result<Shape> made = make(std::span<const std::size_t>(dims.begin(), dims.size()));
    CHECK(made.ok());
    *this = *made;
  }

  // For shapes that come from outside.
  [[nodiscard]] static Result<Shape> make(std::span<const std::size_t> dims);

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t operator[](std::size_t axis) const {
    CHECK(axis < rank_);
    return dims_[axis];
  }
  [[nodiscard]] std::span<const std::size_t> dims() const { return {dims_.data(), rank_}; }

  // The product of all extents; 1 for a scalar. Cannot overflow.
  [[nodiscard]] std::size_t num_elements() const;

  // "[2, 3]"
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<std::size_t, kMaxDims> dims_{};  // zero beyond rank_
  std::size_t rank_ = 0;
};

}  // namespace nacelle
