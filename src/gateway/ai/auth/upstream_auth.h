// upstream_auth.h: the credential of one request to a provider.
//
//   BackendCredential credential{.type = AuthType::kApiKey, .key = ...};
//   RETURN_IF_ERROR(authorize(credential, overrides, now, request));
//
// The client's own credential headers never go upstream, whatever the type: authorization,
// x-api-key, api-key, cookies and x-aigw-*. AWS signs last, over the final body and path.
//
// Home:    pure; any thread. Secrets come from CredentialSource (credential_source.h).
// Errors:  unauthenticated: no credential for this request (401 "missing upstream credential");
//          invalid_argument: half an AWS credential in the headers.
// Source:  gateway.md section 9.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/ai/auth/secret.h"
#include "gateway/ai/auth/sigv4.h"
#include "net/http/headers.h"

namespace nacelle::gateway::ai {

enum class AuthType : std::uint8_t {
  kNone,
  kApiKey,           // Authorization: Bearer
  kAzureApiKey,      // api-key
  kAnthropicApiKey,  // x-api-key
  kAwsCredentials,   // SigV4
  kGcpToken,         // Authorization: Bearer, and the project in the path
  kAzureToken,       // Authorization: Bearer
};

// What is known at this moment: a static key, a token that was exchanged, or AWS credentials.
struct BackendCredential {
  AuthType type = AuthType::kNone;
  Secret key;  // key or token; empty = not configured, or not there yet
  AwsCredentials aws;
  std::string aws_region;  // when the host names none
  std::string gcp_project;
  std::string gcp_region;
};

// BackendSecurityPolicy.spec.credentialOverride.fromRequestHeaders.
struct HeaderOverride {
  std::string header;  // "" = the type's default; for AWS a prefix
  bool fallback_to_configured = true;
};

struct OutgoingRequest {
  std::string method = "POST";
  std::string host;  // the real upstream host
  std::string path;  // path and query
  std::string_view body;
  net::http::Headers& headers;
};

// x-aigw-api-key and so on.
[[nodiscard]] std::string_view default_override_header(AuthType type);

// Takes the client's credentials off `request.headers` and puts the backend's on.
[[nodiscard]] Status authorize(const BackendCredential& credential,
                               const std::optional<HeaderOverride>& override_from, WallTime now,
                               OutgoingRequest& request);

// What authorize() does to headers for every type.
void strip_client_credentials(net::http::Headers& headers);

}  // namespace nacelle::gateway::ai
