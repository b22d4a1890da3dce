#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/base64.h"
#include "gateway/ai/auth/credential_source.h"
#include "gateway/ai/auth/digest.h"
#include "gateway/ai/auth/gcp_token_source.h"
#include "gateway/ai/auth/redaction.h"
#include "gateway/ai/auth/sigv4.h"
#include "gateway/ai/auth/upstream_auth.h"

namespace nacelle::gateway::ai {
namespace {

constexpr WallTime kVectorTime = std::chrono::sys_days{std::chrono::year{2015} / 8 / 30} +
                                 std::chrono::hours(12) + std::chrono::minutes(36);

AwsCredentials vector_credentials() {
  return {.access_key_id = "AKIDEXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")};
}

std::string header_of(const std::vector<NewHeader>& headers, std::string_view name) {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

// The worked example of the AWS documentation: IAM ListUsers.
TEST(SigV4, DocumentedExample) {
  SignableRequest request{
      .method = "GET",
      .target = "/?Action=ListUsers&Version=2010-05-08",
      .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                  {"host", "iam.amazonaws.com"}}};
  const AwsScope scope{.region = "us-east-1", .service = "iam"};
  SignableRequest dated = request;
  dated.headers.emplace_back("x-amz-date", "20150830T123600Z");
  EXPECT_EQ(canonical_request(dated),
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
            "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
            "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
            "content-type;host;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(string_to_sign(dated, scope, kVectorTime),
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  EXPECT_EQ(header_of(sign_v4(request, vector_credentials(), scope, kVectorTime), "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

// get-vanilla and post-vanilla of AWS's test suite.
TEST(SigV4, TestSuite) {
  const AwsScope scope{.region = "us-east-1", .service = "service"};
  struct Row {
    const char* method;
    const char* signature;
  };
  for (const Row& row :
       {Row{"GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Row{"POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"}}) {
    const SignableRequest request{
        .method = row.method, .target = "/", .headers = {{"host", "example.amazonaws.com"}}};
    const std::string value =
        header_of(sign_v4(request, vector_credentials(), scope, kVectorTime), "authorization");
    EXPECT_TRUE(value.ends_with(row.signature)) << value;
  }
}

TEST(SigV4, CanonicalForms) {
  SignableRequest request{.method = "POST",
                          .target = "/model/a%3Ab/converse?b=2&a=%20&b=1&flag",
                          .headers = {{"x-b", "  two   spaces "}, {"host", "h"}, {"x-b", "c"}},
                          .body = "{}"};
  EXPECT_EQ(canonical_request(request),
            "POST\n/model/a%253Ab/converse\na=%20&b=1&b=2&flag=\nhost:h\nx-b:two spaces,c\n\n"
            "host;x-b\n" +
                hex(sha256("{}")));
}

TEST(SigV4, RegionsAndProfiles) {
  EXPECT_EQ(aws_region_of_host("bedrock-runtime.us-east-1.amazonaws.com"), "us-east-1");
  EXPECT_EQ(aws_region_of_host("bedrock-runtime-fips.us-west-2.amazonaws.com:443"), "us-west-2");
  EXPECT_EQ(aws_region_of_host("vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com"), "eu-west-1");
  EXPECT_EQ(aws_region_of_host("bedrock-runtime.eu-west-3.api.aws"), "eu-west-3");
  EXPECT_EQ(aws_region_of_host("iam.amazonaws.com"), std::nullopt);
  EXPECT_EQ(aws_region_of_host("localhost"), std::nullopt);
  const char* ini =
      "[default]\r\naws_access_key_id = A\naws_secret_access_key=S\n# no\n"
      "[other]\naws_access_key_id=B\n";
  const auto found = parse_aws_credentials(ini, "default");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->access_key_id, "A");
  EXPECT_EQ(found->secret_access_key.reveal(), "S");
  EXPECT_EQ(parse_aws_credentials(ini, "other").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse_aws_credentials(ini, "none").status().code(), Code::kNotFound);
}

TEST(Secret, IsNeverPrinted) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "[REDACTED]");
  EXPECT_EQ(fmt::format("{}", secret), "[REDACTED]");
  EXPECT_EQ(shown_value("Authorization", "Bearer x"), "[REDACTED]");
  EXPECT_EQ(shown_value("X-AIGW-Anything", "x"), "[REDACTED]");
  EXPECT_EQ(shown_value("x-foo-session-token", "x"), "[REDACTED]");
  EXPECT_EQ(shown_value("content-type", "x"), "x");
  EXPECT_EQ(redacted_body("abc"), "[REDACTED LENGTH=3 HASH=ba7816bf]");
}

struct Outgoing {
  net::http::Headers headers;
  OutgoingRequest request{.host = "h", .path = "/v1/messages", .headers = headers};
};

TEST(UpstreamAuth, ClientCredentialsNeverGoUpstream) {
  Outgoing out;
  for (const char* name :
       {"Authorization", "X-Api-Key", "api-key", "Cookie", "x-aigw-api-key", "x-amz-date"}) {
    out.headers.add(name, "client");
  }
  out.headers.add("x-other", "kept");
  ASSERT_TRUE(authorize({}, std::nullopt, kVectorTime, out.request).ok());
  EXPECT_EQ(out.headers.size(), 1u);
  EXPECT_TRUE(out.headers.contains("x-other"));
}

TEST(UpstreamAuth, EachTypeHasItsHeader) {
  struct Row {
    AuthType type;
    const char* header;
    const char* value;
  };
  for (const Row& row : {Row{AuthType::kApiKey, "authorization", "Bearer k"},
                         Row{AuthType::kAzureApiKey, "api-key", "k"},
                         Row{AuthType::kAnthropicApiKey, "x-api-key", "k"}}) {
    Outgoing out;
    const BackendCredential credential{.type = row.type, .key = Secret(" k\n")};
    ASSERT_TRUE(authorize(credential, std::nullopt, kVectorTime, out.request).ok());
    EXPECT_EQ(out.headers.get(row.header), row.value);
    EXPECT_EQ(out.headers.size(), 1u);
  }
  Outgoing gcp;
  gcp.request.path = "publishers/google/models/m:generateContent";
  const BackendCredential token{.type = AuthType::kGcpToken,
                                .key = Secret("t"),
                                .gcp_project = "p",
                                .gcp_region = "us-central1"};
  ASSERT_TRUE(authorize(token, std::nullopt, kVectorTime, gcp.request).ok());
  EXPECT_EQ(gcp.request.path,
            "/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent");
  EXPECT_EQ(gcp.headers.get("authorization"), "Bearer t");
}

TEST(UpstreamAuth, OverridesComeFromHeaders) {
  const BackendCredential configured{.type = AuthType::kApiKey, .key = Secret("configured")};
  Outgoing given;
  given.headers.add("x-aigw-api-key", "mine");
  ASSERT_TRUE(authorize(configured, HeaderOverride{}, kVectorTime, given.request).ok());
  EXPECT_EQ(given.headers.get("authorization"), "Bearer mine");
  EXPECT_FALSE(given.headers.contains("x-aigw-api-key"));

  Outgoing absent;
  ASSERT_TRUE(authorize(configured, HeaderOverride{}, kVectorTime, absent.request).ok());
  EXPECT_EQ(absent.headers.get("authorization"), "Bearer configured");

  Outgoing needed;
  const Status missing = authorize(configured, HeaderOverride{.fallback_to_configured = false},
                                   kVectorTime, needed.request);
  EXPECT_EQ(missing.code(), Code::kUnauthenticated);
  EXPECT_EQ(missing.message(), "missing upstream credential");

  const BackendCredential aws{
      .type = AuthType::kAwsCredentials, .aws = vector_credentials(), .aws_region = "us-east-1"};
  Outgoing half;
  half.headers.add("x-aigw-aws-access-key-id", "A");
  EXPECT_EQ(authorize(aws, HeaderOverride{}, kVectorTime, half.request).code(),
            Code::kInvalidArgument);
  Outgoing whole;
  whole.headers.add("x-aigw-aws-access-key-id", "OTHER");
  whole.headers.add("x-aigw-aws-secret-access-key", "S");
  whole.headers.add("x-aigw-aws-session-token", "T");
  ASSERT_TRUE(authorize(aws, HeaderOverride{}, kVectorTime, whole.request).ok());
  EXPECT_NE(whole.headers.get("authorization").find("Credential=OTHER/20150830/us-east-1/bedrock"),
            std::string_view::npos);
  EXPECT_EQ(whole.headers.get("x-amz-security-token"), "T");
}

using KeyPtr = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* pem = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &pem);
  return {pem, static_cast<std::size_t>(size)};
}

TEST(GcpToken, AssertionVerifiesWithThePublicKey) {
  const KeyPtr key(EVP_RSA_gen(2048), EVP_PKEY_free);
  std::string escaped;
  for (const char c : pem_of(key.get())) {
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  const auto account = parse_service_account(
      R"({"type":"service_account","client_email":"a@b","private_key_id":"k1","private_key":")" +
      escaped + "\"}");
  ASSERT_TRUE(account.ok());
  const auto assertion = signed_assertion(*account, kVectorTime);
  ASSERT_TRUE(assertion.ok()) << assertion.status().to_string();
  const std::size_t dot = assertion->rfind('.');
  const std::string signed_text = assertion->substr(0, dot);
  const auto raw = decode_base64_url(assertion->substr(dot + 1));
  ASSERT_TRUE(raw.has_value());
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
  EXPECT_EQ(EVP_DigestVerify(
                context.get(), reinterpret_cast<const unsigned char*>(raw->data()), raw->size(),
                reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()),
            1);
  EXPECT_EQ(decode_base64_url(signed_text.substr(signed_text.find('.') + 1)),
            R"({"iss":"a@b","scope":"https://www.googleapis.com/auth/cloud-platform",)"
            R"("aud":"https://oauth2.googleapis.com/token","iat":1440938160,"exp":1440941760})");
  const auto request = token_request(*account, kVectorTime);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->url, "https://oauth2.googleapis.com/token");
}

TEST(GcpToken, AnswersAndBadKeys) {
  const auto token = parse_token_answer(R"({"access_token":"t","expires_in":3599})", kVectorTime);
  ASSERT_TRUE(token.ok());
  EXPECT_TRUE(token->fresh(kVectorTime + std::chrono::minutes(50)));
  EXPECT_FALSE(token->fresh(kVectorTime + std::chrono::minutes(55)));
  EXPECT_EQ(parse_token_answer(R"({"error_description":"no"})", kVectorTime).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(parse_token_answer("<html>", kVectorTime).status().code(), Code::kUnavailable);
  EXPECT_FALSE(parse_service_account("[]").ok());
  ServiceAccount bad{.client_email = "a", .private_key = Secret("not a key")};
  EXPECT_EQ(signed_assertion(bad, kVectorTime).status().code(), Code::kInvalidArgument);
}

TEST(GcpTokenSource, RenewsBeforeTheEndAndKeepsTheOldTokenMeanwhile) {
  const KeyPtr key(EVP_RSA_gen(2048), EVP_PKEY_free);
  GcpTokenSource source({.client_email = "a@b", .private_key = Secret(pem_of(key.get()))});
  int calls = 0;
  bool works = true;
  const auto exchange = [&](const TokenRequest& request) -> Result<std::string> {
    ++calls;
    EXPECT_NE(request.body.reveal().find("assertion=ey"), std::string::npos);
    if (!works) return unavailable("no network");
    return fmt::format(R"({{"access_token":"t{}","expires_in":3600}})", calls);
  };
  EXPECT_TRUE(source.current()->text.empty());
  ASSERT_TRUE(source.refresh(kVectorTime, exchange).ok());
  ASSERT_TRUE(source.refresh(kVectorTime + std::chrono::minutes(50), exchange).ok());
  EXPECT_EQ(calls, 1) << "still fresh";
  works = false;
  EXPECT_FALSE(source.refresh(kVectorTime + std::chrono::minutes(56), exchange).ok());
  EXPECT_EQ(source.current()->text.reveal(), "t1") << "valid for four more minutes";
  EXPECT_FALSE(source.refresh(kVectorTime + std::chrono::minutes(61), exchange).ok());
  EXPECT_TRUE(source.current()->text.empty());
  works = true;
  ASSERT_TRUE(source.refresh(kVectorTime + std::chrono::minutes(62), exchange).ok());
  EXPECT_EQ(source.current()->text.reveal(), "t4");
}

TEST(CredentialSource, ReadsAgainWhenTheFileChanges) {
  const auto path =
      std::filesystem::temp_directory_path() / ("nacelle_credential_" + std::to_string(::getpid()));
  ASSERT_TRUE(write_file_atomically(path, "one\n").ok());
  auto source = CredentialSource::open(path);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->current()->reveal(), "one");
  EXPECT_EQ(*(*source)->refresh(), false);
  ASSERT_TRUE(write_file_atomically(path, "two").ok());
  EXPECT_EQ(*(*source)->refresh(), true);
  EXPECT_EQ((*source)->current()->reveal(), "two");
  ASSERT_TRUE(write_file_atomically(path, " \n").ok());
  EXPECT_FALSE((*source)->refresh().ok());
  std::filesystem::remove(path);
  EXPECT_FALSE((*source)->refresh().ok());
  EXPECT_EQ((*source)->current()->reveal(), "two") << "the last good text stays";
  EXPECT_FALSE(CredentialSource::open(path).ok());
}

}  // namespace
}  // namespace nacelle::gateway::ai
