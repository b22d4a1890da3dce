// sigv4.h: AWS Signature Version 4 of one request.
//
//   for (auto& header : sign_v4(request, credentials, scope, now)) headers.set(header);
//
// The body is hashed, so it must be final. A path is given as it is sent: segments are encoded once
// more for the canonical form, as AWS asks of every service but S3.
//
// Home:    pure; any thread.
// Source:  AWS General Reference, "Create a signed AWS API request".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/ai/auth/secret.h"

namespace nacelle::gateway::ai {

struct AwsCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // may be empty
};

struct AwsScope {
  std::string region;
  std::string service = "bedrock";
};

struct SignableRequest {
  std::string_view method;
  std::string_view target;  // path and query as sent
  // Names in lower case; `host` must be there. What is listed here is signed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
};

using WallTime = std::chrono::sys_seconds;
using NewHeader = std::pair<std::string, std::string>;

// x-amz-date, x-amz-security-token with a session, and authorization.
[[nodiscard]] std::vector<NewHeader> sign_v4(SignableRequest request,
                                             const AwsCredentials& credentials,
                                             const AwsScope& scope, WallTime now);

// The two texts whose hash and HMAC the signature is; for tests and for explaining a refusal.
[[nodiscard]] std::string canonical_request(const SignableRequest& request);
[[nodiscard]] std::string string_to_sign(const SignableRequest& request, const AwsScope& scope,
                                         WallTime now);

// The region of hosts like bedrock-runtime[-fips].{region}.amazonaws.com, *.{region}.vpce... and
// *.{region}.api.aws; nullopt for others.
[[nodiscard]] std::optional<std::string> aws_region_of_host(std::string_view host);

// One profile of a credentials file ([name], aws_access_key_id = ..., ...).
// Errors: not_found without the profile, invalid_argument when it is half a credential.
[[nodiscard]] Result<AwsCredentials> parse_aws_credentials(std::string_view ini,
                                                           std::string_view profile);

}  // namespace nacelle::gateway::ai
