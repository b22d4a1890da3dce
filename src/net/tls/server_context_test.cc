#include "net/tls/server_context.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"
#include "net/tls/client_context.h"
#include "net/tls/openssl.h"

namespace nacelle::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TestCa;
using testing::TestFolder;
using testing::use;

TlsServerConfig with(std::vector<TlsCertificate> certificates) {
  TlsServerConfig config;
  config.certificates = std::move(certificates);
  return config;
}

Status error_of(const TlsServerConfig& config) { return TlsServerContext::create(config).status(); }

std::string encrypted(const std::string& key_pem) {
  const KeyPtr key = *parse_key({key_pem, "test"});
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr,
                                nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(TlsServerContext, ChoosesACertificateByName) {
  const TestCa ca;
  const auto context = *TlsServerContext::create(
      with({use(ca.issue({"fallback.test"})), use(ca.issue({"one.test", "two.test"})),
            use(ca.issue({"*.wild.test"})), use(ca.issue({"special.wild.test"})),
            use(ca.issue({"unused.test"}), {"Given.Test", "*.given.test"})}));
  struct Row {
    const char* asked;
    std::size_t expected;
  };
  for (const Row& row :
       {Row{"fallback.test", 0}, Row{"one.test", 1}, Row{"two.test", 1}, Row{"ONE.Test", 1},
        Row{"one.test.", 1}, Row{"a.wild.test", 2}, Row{"special.wild.test", 3},
        Row{"a.b.wild.test", 0}, Row{"wild.test", 0}, Row{"given.test", 4}, Row{"x.given.test", 4},
        Row{"unused.test", 0}, Row{"", 0}, Row{".wild.test", 0}, Row{"unknown", 0}}) {
    EXPECT_EQ(context->select(row.asked), row.expected) << row.asked;
  }
}

TEST(TlsServerContext, DefaultCertificateIsConfigurable) {
  const TestCa ca;
  TlsServerConfig config = with({use(ca.issue({"a.test"})), use(ca.issue({"b.test"}))});
  config.default_certificate = 1;
  EXPECT_EQ((*TlsServerContext::create(config))->select("c.test"), 1u);
  config.default_certificate = 2;
  EXPECT_EQ(error_of(config).code(), Code::kInvalidArgument);
}

TEST(TlsServerContext, KnowsWhenItsFirstCertificateEnds) {
  const TestCa ca;
  CertificateSpec spec;
  spec.common_name = "soon";
  spec.valid_until = std::chrono::hours(2);
  const auto context =
      *TlsServerContext::create(with({use(ca.issue({"a.test"})), use(ca.issue_as(spec))}));
  const auto left = context->expires() - std::chrono::system_clock::now();
  EXPECT_LE(left, std::chrono::hours(2));
  EXPECT_GE(left, std::chrono::hours(1));
}

TEST(TlsServerContext, ErrorsNameTheFileAndTheReasonAndNeverTheKey) {
  const TestCa ca;
  const TestFolder folder;
  const CertifiedKey good = ca.issue({"a.test"});
  const CertifiedKey other = ca.issue({"b.test"});
  const CertifiedKey expired = ca.issue_expired({"c.test"});
  std::string torn = good.chain_pem;
  torn.replace(torn.size() / 2, 4, "!!!!");
  const auto chain = folder.write("chain.pem", good.chain_pem);
  const auto key = folder.write("key.pem", good.key_pem);
  struct Row {
    const char* name;
    std::filesystem::path chain, key;
    Code code;
    std::string mentions;
  };
  const std::vector<Row> rows = {
      {"missing chain", folder.path() / "absent.pem", key, Code::kNotFound, "absent.pem"},
      {"missing key", chain, folder.path() / "gone.pem", Code::kNotFound, "gone.pem"},
      {"expired", folder.write("old.pem", expired.chain_pem),
       folder.write("old-key.pem", expired.key_pem), Code::kFailedPrecondition,
       "old.pem: the certificate expired at 20"},
      {"key of another", chain, folder.write("other.pem", other.key_pem), Code::kInvalidArgument,
       "other.pem: the private key does not belong to the certificate in"},
      {"torn certificate", folder.write("torn.pem", torn), key, Code::kInvalidArgument,
       "torn.pem: malformed certificate"},
      {"empty certificate", folder.write("empty.pem", ""), key, Code::kInvalidArgument,
       "empty.pem: holds no PEM certificate"},
      {"no key in the file", chain, folder.write("nokey.pem", good.chain_pem),
       Code::kInvalidArgument, "nokey.pem: holds no PEM private key"},
      {"key with a password", chain, folder.write("locked.pem", encrypted(good.key_pem)),
       Code::kInvalidArgument, "locked.pem: the private key is encrypted"},
      {"torn chain behind the certificate", folder.write("torn-chain.pem", good.chain_pem + torn),
       key, Code::kInvalidArgument, "torn-chain.pem: malformed chain"},
  };
  const std::string secret = good.key_pem.substr(100, 20);
  for (const Row& row : rows) {
    const Status error = error_of(with({{{}, {row.chain, ""}, {row.key, ""}}}));
    EXPECT_EQ(error.code(), row.code) << row.name << ": " << error.message();
    EXPECT_THAT(error.message(), AllOf(HasSubstr(row.mentions), Not(HasSubstr(secret))))
        << row.name;
  }
  EXPECT_TRUE(error_of(with({{{}, {chain, ""}, {key, ""}}})).ok());
}

TEST(TlsServerContext, RefusesSettingsThatCannotWork) {
  const TestCa ca;
  EXPECT_EQ(error_of({}).code(), Code::kInvalidArgument);
  TlsServerConfig config = with({use(ca.issue({"a.test"}))});
  config.ciphers = "NO-SUCH-CIPHER";
  EXPECT_THAT(error_of(config).message(), HasSubstr("NO-SUCH-CIPHER"));
  config.ciphers.clear();
  config.alpn = {""};
  EXPECT_THAT(error_of(config).message(), HasSubstr("ALPN"));
  config.alpn = {};
  config.client_verify = ClientVerify::kRequired;
  EXPECT_THAT(error_of(config).message(), HasSubstr("no client CA"));
  config.client_ca = {{}, "nonsense"};
  EXPECT_THAT(error_of(config).message(), HasSubstr("holds no PEM certificate"));
  config.client_ca = ca.trusted();
  EXPECT_TRUE(error_of(config).ok());
}

TEST(TlsServerContext, TakesCertificateAndKeyFromOneText) {
  const TestCa ca;
  const CertifiedKey made = ca.issue({"a.test"});
  TlsCertificate both;
  both.chain.text = made.chain_pem + made.key_pem;
  const auto context = TlsServerContext::create(with({both}));
  ASSERT_TRUE(context.ok()) << context.status().message();
  // The text of a key is not kept where a dump of the configuration could show it.
  EXPECT_THAT((*context)->config().certificates[0].chain.text, Not(HasSubstr("PRIVATE")));
}

TEST(TlsClientContext, RefusesSettingsThatCannotWork) {
  const TestCa ca;
  const CertifiedKey made = ca.issue({"a.test"});
  TlsClientConfig config;
  config.ca = {"/nonexistent/ca.pem", ""};
  EXPECT_EQ(TlsClientContext::create(config).status().code(), Code::kNotFound);
  config.ca = ca.trusted();
  config.key.text = made.key_pem;
  EXPECT_EQ(TlsClientContext::create(config).status().code(), Code::kInvalidArgument);
  config.certificate.text = made.chain_pem;
  EXPECT_TRUE(TlsClientContext::create(config).ok());
  config.certificate.text = ca.issue({"b.test"}).chain_pem;
  EXPECT_THAT(TlsClientContext::create(config).status().message(), HasSubstr("does not belong"));
}

TEST(MakeCertificate, SelfSignedServesAtOnce) {
  const auto made = self_signed({"epp.test", "127.0.0.1", "spiffe://cluster/epp"}, 30);
  ASSERT_TRUE(made.ok()) << made.status().message();
  const auto context = TlsServerContext::create(with({use(*made)}));
  ASSERT_TRUE(context.ok()) << context.status().message();
  const auto left = (*context)->expires() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours(24 * 30 - 1));
  EXPECT_LE(left, std::chrono::hours(24 * 30));
  EXPECT_NE(made->key_pem, self_signed({"epp.test"}, 30)->key_pem);
  EXPECT_EQ(self_signed({}, 30).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(self_signed({"a"}, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(self_signed({"a,DNS:evil"}, 1).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::net
