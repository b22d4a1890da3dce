// status.h: gRPC's status codes, their wire form, and how they relate to base/status.h.
//
// Source:  github.com/grpc/grpc doc/PROTOCOL-HTTP2.md, doc/statuscodes.md,
//          doc/http-grpc-status-mapping.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "net/http/headers.h"

namespace nacelle::net::grpc {

enum class StatusCode : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

[[nodiscard]] StatusCode to_grpc(Code code);
// Unknown numbers and kUnknown become internal, kAborted failed_precondition.
[[nodiscard]] Code from_grpc(int code);

// grpc-message: bytes outside printable ASCII, and '%', as %XX; and back. Bad escapes stay.
[[nodiscard]] std::string percent_encode(std::string_view text);
[[nodiscard]] std::string percent_decode(std::string_view text);

// Adds grpc-status and, when there is one, grpc-message.
void add_status(http::Headers& to, const Status& status);
// The status of a response that ended: from trailers or, when they are its only block, its head;
// without grpc-status from the HTTP status.
[[nodiscard]] Status read_status(const http::Headers& trailers, const http::Headers& head,
                                 int http_status);

// "100m" -> 100 ms. nullopt for anything but 1 to 8 digits and a unit of H, M, S, m, u, n.
[[nodiscard]] std::optional<Duration> parse_timeout(std::string_view text);
[[nodiscard]] std::string format_timeout(Duration timeout);

}  // namespace nacelle::net::grpc
