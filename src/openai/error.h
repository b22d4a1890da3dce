// error.h: the error object of the OpenAI dialect, and the mapping of Status to it.
//
// Body: {"error":{"message":str,"type":str,"param":str|null,"code":int}}; `code` equals the HTTP
// status. Two families share status 400: `Bad Request` says that the body itself is wrong (not
// JSON, a field of the wrong type, a validator), `BadRequestError` that its values cannot be
// served.
//
// Home:    values; any thread.
// Source:  engine.md section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/status.h"

namespace nacelle::openai {

struct Error {
  int status = 500;
  std::string type = "InternalServerError";
  std::string message;
  std::optional<std::string> param = std::nullopt;
  friend bool operator==(const Error&, const Error&) = default;
};

// nullopt = fine.
using Check = std::optional<Error>;

// 400 `Bad Request`: the body is malformed, ill-typed or refused by a validator.
[[nodiscard]] Error body_error(std::string message, std::optional<std::string> param = {});

// 400 `BadRequestError`: the body is well formed and its values cannot be served.
[[nodiscard]] Error value_error(std::string message, std::optional<std::string> param = {});

// The same with the parameter and its printed value at the end of the message, which clients match
// on.
[[nodiscard]] Error typed_value_error(std::string message, std::string param,
                                      std::string_view value);

// At most `max_bytes` of what a client sent, cut on a character border: errors echo it.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t max_bytes = 128);

[[nodiscard]] Error model_not_found(std::string_view model);

// An error whose type is the status' phrase: unknown route, wrong method, body too large.
[[nodiscard]] Error http_error(int status, std::string message = {});

// Codes map to 400, 403, 404, 500, 501, 503 and 504; the message stays.
[[nodiscard]] Error from_status(const Status& status);

// The reason phrase of a status that this server sends, "Error" for others.
[[nodiscard]] std::string_view status_phrase(int status);

[[nodiscard]] std::string to_json(const Error& error);

// The body of 401 is no error object.
inline constexpr std::string_view kUnauthorizedBody = R"({"error":"Unauthorized"})";

// A value or the Error that the client gets instead: the shape of Result<T> with the edge's own
// error.
template <class T>
class [[nodiscard]] Parsed {
 public:
  Parsed(T value) : state_(std::move(value)) {}      // NOLINT: implicit by design
  Parsed(Error error) : state_(std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] T& value() & {
    CHECK(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    CHECK(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const {
    CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace nacelle::openai
