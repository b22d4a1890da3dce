#include "net/grpc/status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace nacelle::net::grpc {

StatusCode to_grpc(Code code) {
  switch (code) {
    case Code::kOk:
      return StatusCode::kOk;
    case Code::kCancelled:
      return StatusCode::kCancelled;
    case Code::kInvalidArgument:
      return StatusCode::kInvalidArgument;
    case Code::kOutOfRange:
      return StatusCode::kOutOfRange;
    case Code::kNotFound:
      return StatusCode::kNotFound;
    case Code::kAlreadyExists:
      return StatusCode::kAlreadyExists;
    case Code::kFailedPrecondition:
      return StatusCode::kFailedPrecondition;
    case Code::kResourceExhausted:
      return StatusCode::kResourceExhausted;
    case Code::kUnavailable:
      return StatusCode::kUnavailable;
    case Code::kDeadlineExceeded:
      return StatusCode::kDeadlineExceeded;
    case Code::kUnauthenticated:
      return StatusCode::kUnauthenticated;
    case Code::kPermissionDenied:
      return StatusCode::kPermissionDenied;
    case Code::kUnimplemented:
      return StatusCode::kUnimplemented;
    case Code::kDataLoss:
      return StatusCode::kDataLoss;
    case Code::kInternal:
      return StatusCode::kInternal;
  }
  return StatusCode::kUnknown;
}

Code from_grpc(int code) {
  constexpr std::array<Code, 17> kCodes = {Code::kOk,
                                           Code::kCancelled,
                                           Code::kInternal,
                                           Code::kInvalidArgument,
                                           Code::kDeadlineExceeded,
                                           Code::kNotFound,
                                           Code::kAlreadyExists,
                                           Code::kPermissionDenied,
                                           Code::kResourceExhausted,
                                           Code::kFailedPrecondition,
                                           Code::kFailedPrecondition,
                                           Code::kOutOfRange,
                                           Code::kUnimplemented,
                                           Code::kInternal,
                                           Code::kUnavailable,
                                           Code::kDataLoss,
                                           Code::kUnauthenticated};
  if (code < 0 || code >= static_cast<int>(kCodes.size())) return Code::kInternal;
  return kCodes[static_cast<std::size_t>(code)];
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7E && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void add_status(http::Headers& to, const Status& status) {
  to.add("grpc-status", std::to_string(static_cast<int>(to_grpc(status.code()))));
  // A message longer than this would risk the peer's limit on header blocks.
  constexpr std::size_t kMaxMessage = 1024;
  if (!status.message().empty()) {
    to.add("grpc-message",
           percent_encode(std::string_view(status.message()).substr(0, kMaxMessage)));
  }
}

namespace {

Status from_http(int status) {
  const auto code = [status] {
    switch (status) {
      case 400:
        return Code::kInternal;
      case 401:
        return Code::kUnauthenticated;
      case 403:
        return Code::kPermissionDenied;
      case 404:
        return Code::kUnimplemented;
      case 429:
      case 502:
      case 503:
      case 504:
        return Code::kUnavailable;
      default:
        return Code::kInternal;
    }
  }();
  return Status(code, fmt::format("the peer answered HTTP status {} without grpc-status", status));
}

}  // namespace

Status read_status(const http::Headers& trailers, const http::Headers& head, int http_status) {
  const http::Headers& from = trailers.contains("grpc-status") ? trailers : head;
  const auto text = from.find("grpc-status");
  if (!text.has_value()) return from_http(http_status);
  int code = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), code);
  if (error != std::errc() || end != text->data() + text->size()) {
    return internal("grpc-status is not a number");
  }
  if (code == 0) return {};
  return Status(from_grpc(code), percent_decode(from.get("grpc-message")));
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  using namespace std::chrono;
  switch (text.back()) {
    // 99,999,999 hours do not fit into nanoseconds; a hundred years are as good as no limit.
    case 'H':
      return hours(std::min<std::int64_t>(value, 24 * 365 * 100));
    case 'M':
      return minutes(std::min<std::int64_t>(value, 60 * 24 * 365 * 100));
    case 'S':
      return seconds(value);
    case 'm':
      return milliseconds(value);
    case 'u':
      return microseconds(value);
    case 'n':
      return nanoseconds(value);
    default:
      return std::nullopt;
  }
}

std::string format_timeout(Duration timeout) {
  constexpr std::int64_t kMax = 99'999'999;
  const auto millis =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
  if (millis <= kMax) return std::to_string(millis) + "m";
  return std::to_string(std::min(kMax, millis / 1000 + 1)) + "S";
}

}  // namespace nacelle::net::grpc
