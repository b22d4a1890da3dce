#include "gateway/ai/auth/upstream_auth.h"

#include "gateway/ai/auth/digest.h"
#include "gateway/ai/auth/redaction.h"

namespace nacelle::gateway::ai {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Status missing_credential() { return unauthenticated("missing upstream credential"); }

// The three headers of one AWS credential, all or none.
Status aws_from_headers(const net::http::Headers& headers, std::string_view prefix,
                        std::optional<AwsCredentials>& out) {
  const auto value = [&](std::string_view name) {
    return std::string(trimmed(headers.get(fmt::format("{}{}", prefix, name))));
  };
  AwsCredentials found{.access_key_id = value("access-key-id"),
                       .secret_access_key = Secret(value("secret-access-key")),
                       .session_token = Secret(value("session-token"))};
  const bool has_id = !found.access_key_id.empty();
  const bool has_secret = !found.secret_access_key.empty();
  if (!has_id && !has_secret && found.session_token.empty()) return {};
  if (!has_id || !has_secret) {
    return invalid_argument("{}access-key-id and {}secret-access-key are needed together", prefix,
                            prefix);
  }
  out = std::move(found);
  return {};
}

// The credential with what the client's headers override.
Result<BackendCredential> resolve(const BackendCredential& configured,
                                  const std::optional<HeaderOverride>& from,
                                  const net::http::Headers& headers) {
  if (!from) return configured;
  BackendCredential out = configured;
  const std::string_view header =
      from->header.empty() ? default_override_header(configured.type) : from->header;
  if (configured.type == AuthType::kAwsCredentials) {
    std::optional<AwsCredentials> aws;
    RETURN_IF_ERROR(aws_from_headers(headers, header, aws));
    if (aws) {
      out.aws = std::move(*aws);
      return out;
    }
  } else if (const auto given = trimmed(headers.get(header)); !given.empty()) {
    out.key = Secret(std::string(given));
    return out;
  }
  if (!from->fallback_to_configured) return missing_credential();
  return out;
}

Status sign_for_aws(const BackendCredential& credential, WallTime now, OutgoingRequest& request) {
  if (credential.aws.access_key_id.empty()) return missing_credential();
  const AwsScope scope{.region = aws_region_of_host(request.host).value_or(credential.aws_region)};
  if (scope.region.empty()) {
    return failed_precondition("no AWS region is configured for host {}", request.host);
  }
  SignableRequest signable{.method = request.method,
                           .target = request.path,
                           .headers = {{"host", request.host}},
                           .body = request.body};
  if (const auto type = request.headers.find("content-type")) {
    signable.headers.emplace_back("content-type", std::string(*type));
  }
  for (const auto& [name, value] : sign_v4(std::move(signable), credential.aws, scope, now)) {
    request.headers.set(name, value);
  }
  return {};
}

}  // namespace

std::string_view default_override_header(AuthType type) {
  switch (type) {
    case AuthType::kNone:
      return {};
    case AuthType::kApiKey:
      return "x-aigw-api-key";
    case AuthType::kAzureApiKey:
      return "x-aigw-azure-api-key";
    case AuthType::kAnthropicApiKey:
      return "x-aigw-anthropic-api-key";
    case AuthType::kAwsCredentials:
      return "x-aigw-aws-";
    case AuthType::kGcpToken:
      return "x-aigw-gcp-access-token";
    case AuthType::kAzureToken:
      return "x-aigw-azure-access-token";
  }
  return {};
}

void strip_client_credentials(net::http::Headers& headers) {
  headers.remove_if([](const net::http::Headers::Field& field) {
    return is_secret_header(field.name) ||
           net::http::equals_ignore_case(field.name, "x-amz-date") ||
           net::http::equals_ignore_case(field.name, "x-amz-content-sha256");
  });
}

Status authorize(const BackendCredential& credential,
                 const std::optional<HeaderOverride>& override_from, WallTime now,
                 OutgoingRequest& request) {
  auto resolved = resolve(credential, override_from, request.headers);
  strip_client_credentials(request.headers);
  if (!resolved) return resolved.error();
  if (resolved->type == AuthType::kNone) return {};
  if (resolved->type == AuthType::kAwsCredentials) return sign_for_aws(*resolved, now, request);

  const std::string key(trimmed(resolved->key.reveal()));
  if (key.empty()) return missing_credential();
  switch (resolved->type) {
    case AuthType::kAzureApiKey:
      request.headers.set("api-key", key);
      break;
    case AuthType::kAnthropicApiKey:
      request.headers.set("x-api-key", key);
      break;
    case AuthType::kGcpToken:
      request.path = fmt::format("/v1/projects/{}/locations/{}/{}", resolved->gcp_project,
                                 resolved->gcp_region, request.path);
      [[fallthrough]];
    default:
      request.headers.set("authorization", "Bearer " + key);
  }
  return request.headers.validate();
}

}  // namespace nacelle::gateway::ai
