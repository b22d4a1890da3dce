#include "gateway/ai/auth/redaction.h"

#include <fmt/format.h>

#include <array>

#include "gateway/ai/auth/digest.h"
#include "gateway/ai/auth/secret.h"

namespace nacelle::gateway::ai {

bool is_secret_header(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{
      "authorization", "proxy-authorization",  "x-api-key", "api-key",
      "cookie",        "x-amz-security-token", "set-cookie"};
  constexpr std::array<std::string_view, 3> kSuffixes{"-access-key-id", "-secret-access-key",
                                                      "-session-token"};
  const std::string lower = to_lower(name);
  for (const std::string_view secret : kNames) {
    if (lower == secret) return true;
  }
  for (const std::string_view suffix : kSuffixes) {
    if (lower.ends_with(suffix)) return true;
  }
  return lower.starts_with("x-aigw-");
}

std::string_view shown_value(std::string_view name, std::string_view value) {
  return is_secret_header(name) ? kRedacted : value;
}

std::string redacted_body(std::string_view body) {
  return fmt::format("[REDACTED LENGTH={} HASH={}]", body.size(), hex(sha256(body)).substr(0, 8));
}

}  // namespace nacelle::gateway::ai
