#include "kube/api_error.h"

#include <algorithm>
#include <charconv>

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxMessageBytes = 500;
constexpr std::int64_t kMaxRetrySeconds = 600;

Code code_of(int http_status) {
  switch (http_status) {
    case 400:
    case 422:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kAlreadyExists;
    case 410:
      return Code::kOutOfRange;
    case 429:
      return Code::kResourceExhausted;
    case 504:
      return Code::kDeadlineExceeded;
    default:
      return http_status >= 500 ? Code::kUnavailable : Code::kFailedPrecondition;
  }
}

std::int64_t seconds_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

Status ApiError::to_status() const {
  return {code_of(code), fmt::format("the API server answers {}{}{}: {}", code,
                                     reason.empty() ? "" : " ", reason, message)};
}

ApiError parse_api_error(int http_status, const Json& status, std::string_view retry_after) {
  ApiError out;
  out.code = static_cast<int>(
      std::clamp<std::int64_t>(number_at(status, {"code"}).value_or(http_status), 0, 999));
  out.reason = text_at(status, {"reason"}).substr(0, 100);
  out.message = text_at(status, {"message"}).substr(0, kMaxMessageBytes);
  out.continue_token = text_at(status, {"metadata", "continue"});
  std::int64_t wait = seconds_of(retry_after);
  if (wait == 0) wait = number_at(status, {"details", "retryAfterSeconds"}).value_or(0);
  out.retry_after = std::chrono::seconds(std::clamp<std::int64_t>(wait, 0, kMaxRetrySeconds));
  for (const Json& cause : list_at(status, {"details", "causes"})) {
    if (text_at(cause, {"reason"}) == "ResourceVersionTooLarge") out.version_too_large = true;
  }
  return out;
}

bool is_failure(const Json& body) {
  return text_at(body, {"kind"}) == "Status" && text_at(body, {"status"}) == "Failure";
}

}  // namespace nacelle::kube
