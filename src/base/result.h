// result.h: a value, or the Status that says why there is none.
//
// The shape of C++23's std::expected<T, Status>, so that a later switch is mechanical:
// has_value(), value(), operator*, operator->, error().
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace nacelle {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by design
  Result(Status error) : error_(std::move(error)) { CHECK(!error_.ok()); }  // NOLINT

  [[nodiscard]] bool has_value() const { return value_.has_value(); }
  [[nodiscard]] bool ok() const { return has_value(); }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & {
    CHECK(has_value());
    return *value_;
  }
  [[nodiscard]] const T& value() const& {
    CHECK(has_value());
    return *value_;
  }
  [[nodiscard]] T&& value() && {
    CHECK(has_value());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // The reason when there is no value; an ok Status otherwise.
  [[nodiscard]] const Status& error() const { return error_; }
  [[nodiscard]] const Status& status() const { return error_; }

 private:
  std::optional<T> value_;
  Status error_;
};

// Macros for the ordinary path. `ASSIGN_OR_RETURN(auto x, f());` declares x or returns the error.
#define NACELLE_CONCAT_(a, b) a##b
#define NACELLE_CONCAT(a, b) NACELLE_CONCAT_(a, b)

#define RETURN_IF_ERROR(expr)                                              \
  do {                                                                     \
    if (::nacelle::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)
#define ASSIGN_OR_RETURN(decl, expr) \
  NACELLE_ASSIGN_OR_(decl, expr, return, NACELLE_CONCAT(result_, __LINE__))

// The same inside coroutines.
#define CO_RETURN_IF_ERROR(expr)          \
  do {                                    \
    ::nacelle::Status status_ = (expr);   \
    if (!status_.ok()) co_return status_; \
  } while (false)
#define CO_ASSIGN_OR_RETURN(decl, expr) \
  NACELLE_ASSIGN_OR_(decl, expr, co_return, NACELLE_CONCAT(result_, __LINE__))

#define NACELLE_ASSIGN_OR_(decl, expr, ret, tmp) \
  auto tmp = (expr);                             \
  if (!tmp.has_value()) ret tmp.error();         \
  decl = std::move(tmp).value()

}  // namespace nacelle
