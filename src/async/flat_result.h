// flat_result.h: the result type of a wrapper that can fail by itself: never Result<Result<T>>.
#pragma once

#include "base/result.h"

namespace nacelle::async {

namespace detail {
template <class T>
struct Flat {
  using type = Result<T>;
};
template <>
struct Flat<void> {
  using type = Status;
};
template <>
struct Flat<Status> {
  using type = Status;
};
template <class T>
struct Flat<Result<T>> {
  using type = Result<T>;
};
}  // namespace detail

// T -> Result<T>; Result<T> -> Result<T>; void and Status -> Status.
template <class T>
using FlatResult = typename detail::Flat<T>::type;

}  // namespace nacelle::async
