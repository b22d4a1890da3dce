// gcp_token.h: a service account's signed assertion, and the token it is exchanged for.
//
//   auto account = parse_service_account(file);
//   TokenRequest request = *token_request(*account, now);     // POST request.body to request.url
//   Token token = *parse_token_answer(answer_body, now);
//
// The exchange is done by the caller: nothing here opens a socket.
//
// Home:    pure; any thread.
// Errors:  invalid_argument for a file or key that is none, unavailable for an answer without
//          token.
// Source:  RFC 7523; Google's "Using OAuth 2.0 for server to server applications".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/ai/auth/secret.h"
#include "gateway/ai/auth/sigv4.h"

namespace nacelle::gateway::ai {

struct ServiceAccount {
  std::string client_email;
  std::string private_key_id;
  Secret private_key;  // PEM
  std::string token_uri = "https://oauth2.googleapis.com/token";
};
[[nodiscard]] Result<ServiceAccount> parse_service_account(std::string_view json);

struct TokenRequest {
  std::string url;
  std::string content_type = "application/x-www-form-urlencoded";
  Secret body;  // holds the assertion
};
[[nodiscard]] Result<TokenRequest> token_request(const ServiceAccount& account, WallTime now);

// The assertion alone: RS256, valid one hour, scope cloud-platform.
[[nodiscard]] Result<std::string> signed_assertion(const ServiceAccount& account, WallTime now);

struct Token {
  Secret text;
  WallTime expires;
  // One that is renewed before it ends: requests take time to arrive.
  [[nodiscard]] bool fresh(WallTime now) const {
    return !text.empty() && now + std::chrono::minutes(5) < expires;
  }
};
[[nodiscard]] Result<Token> parse_token_answer(std::string_view body, WallTime now);

}  // namespace nacelle::gateway::ai
