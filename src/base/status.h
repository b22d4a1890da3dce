// status.h: the outcome of an operation that the outside world can make fail.
//
// A client, a peer, a file, the clock or a full resource yields a Status; a bug of ours is a CHECK
// (base/check.h). Codes are few and shared by every component; the edge maps them to its own
// dialect (openai/error.h to HTTP, apps to exit codes). Messages name the value and the limit:
// "prompt has 9001 tokens, this model accepts 8192".
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace nacelle {

enum class Code {
  kOk,
  kCancelled,        // the caller went away, or the component is shutting down
  kInvalidArgument,  // the value can never be right
  kOutOfRange,       // right kind of value, beyond a limit
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,  // right request, wrong state
  kResourceExhausted,   // a bound was reached: try later
  kUnavailable,         // a peer cannot be reached: try elsewhere
  kDeadlineExceeded,
  kUnauthenticated,
  kPermissionDenied,
  kUnimplemented,
  kDataLoss,  // a file or stream contradicts itself
  kInternal,
};

std::string_view to_string(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] bool ok() const { return code_ == Code::kOk; }
  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }

  // "invalid_argument: temperature must be non-negative, got -1.0."
  [[nodiscard]] std::string to_string() const;

  // The same code with `context: ` in front of the message. An ok status stays ok.
  [[nodiscard]] Status with_context(std::string_view context) const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

// Builders: invalid_argument("n must be at least 1, got {}.", n).
#define NACELLE_STATUS_BUILDER(name, code)                                 \
  template <class... Args>                                                 \
  Status name(fmt::format_string<Args...> format, Args&&... args) {        \
    return Status(code, fmt::format(format, std::forward<Args>(args)...)); \
  }
NACELLE_STATUS_BUILDER(cancelled, Code::kCancelled)
NACELLE_STATUS_BUILDER(invalid_argument, Code::kInvalidArgument)
NACELLE_STATUS_BUILDER(out_of_range, Code::kOutOfRange)
NACELLE_STATUS_BUILDER(not_found, Code::kNotFound)
NACELLE_STATUS_BUILDER(already_exists, Code::kAlreadyExists)
NACELLE_STATUS_BUILDER(failed_precondition, Code::kFailedPrecondition)
NACELLE_STATUS_BUILDER(resource_exhausted, Code::kResourceExhausted)
NACELLE_STATUS_BUILDER(unavailable, Code::kUnavailable)
NACELLE_STATUS_BUILDER(deadline_exceeded, Code::kDeadlineExceeded)
NACELLE_STATUS_BUILDER(unauthenticated, Code::kUnauthenticated)
NACELLE_STATUS_BUILDER(permission_denied, Code::kPermissionDenied)
NACELLE_STATUS_BUILDER(unimplemented, Code::kUnimplemented)
NACELLE_STATUS_BUILDER(data_loss, Code::kDataLoss)
NACELLE_STATUS_BUILDER(internal, Code::kInternal)
#undef NACELLE_STATUS_BUILDER

}  // namespace nacelle
