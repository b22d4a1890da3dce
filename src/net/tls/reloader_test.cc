#include "net/tls/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"

namespace nacelle::net {
namespace {

namespace fs = std::filesystem;
using testing::TestCa;
using testing::TestFolder;
using Outcome = TlsReloader::Outcome;

class Reloader : public ::testing::Test {
 protected:
  // A file is replaced, as every tool does that writes certificates: its inode changes.
  void put(const std::string& name, const std::string& content) const {
    fs::rename(folder_.write("new-" + name, content), folder_.path() / name);
  }
  void put(const CertifiedKey& key) const {
    put("tls.crt", key.chain_pem);
    put("tls.key", key.key_pem);
  }
  [[nodiscard]] TlsServerConfig config() const {
    TlsServerConfig config;
    config.certificates.push_back(
        {{}, {folder_.path() / "tls.crt", ""}, {folder_.path() / "tls.key", ""}});
    return config;
  }

  TestCa ca_;
  TestFolder folder_;
};

TEST_F(Reloader, AtStartAMissingOrBadFileIsAnError) {
  EXPECT_EQ(TlsReloader::create(config()).status().code(), Code::kNotFound);
  put(ca_.issue_expired({"a.test"}));
  EXPECT_EQ(TlsReloader::create(config()).status().code(), Code::kFailedPrecondition);
  put(ca_.issue({"a.test"}));
  EXPECT_TRUE(TlsReloader::create(config()).ok());
}

TEST_F(Reloader, SwapsWhenBothFilesFitAndKeepsTheOldOtherwise) {
  put(ca_.issue({"a.test"}));
  auto reloader = std::move(*TlsReloader::create(config()));
  const auto first = reloader->source()->current();
  EXPECT_EQ(reloader->check(), Outcome::kUnchanged);

  const CertifiedKey next = ca_.issue({"b.test"});
  put("tls.crt", next.chain_pem);  // the key follows a moment later
  EXPECT_EQ(reloader->check(), Outcome::kFailed);
  EXPECT_EQ(reloader->source()->current(), first);
  EXPECT_EQ(reloader->check(), Outcome::kUnchanged) << "one failure is reported once";
  put("tls.key", next.key_pem);
  EXPECT_EQ(reloader->check(), Outcome::kReloaded);
  const auto second = reloader->source()->current();
  EXPECT_NE(second, first);

  put(ca_.issue_expired({"c.test"}));
  EXPECT_EQ(reloader->check(), Outcome::kFailed);
  put("tls.crt", "not a certificate");
  EXPECT_EQ(reloader->check(), Outcome::kFailed);
  fs::remove(folder_.path() / "tls.crt");
  EXPECT_EQ(reloader->check(), Outcome::kFailed);
  EXPECT_EQ(reloader->source()->current(), second);
  EXPECT_EQ(reloader->num_failures(), 4u);
  EXPECT_EQ(reloader->num_reloads(), 1u);

  put(ca_.issue({"d.test"}));
  EXPECT_EQ(reloader->check(), Outcome::kReloaded);
}

// A mounted Secret: tls.crt -> ..data/tls.crt, ..data -> ..2026_a; an update makes ..2026_b and
// renames a new link over ..data.
TEST_F(Reloader, SeesTheSwapOfAMountedSecret) {
  const auto fill = [&](const std::string& version) {
    const CertifiedKey key = ca_.issue({version + ".test"});
    folder_.write(version + "/tls.crt", key.chain_pem);
    folder_.write(version + "/tls.key", key.key_pem);
    fs::create_symlink(version, folder_.path() / "..data_tmp");
    fs::rename(folder_.path() / "..data_tmp", folder_.path() / "..data");
  };
  fill("..a");
  fs::create_symlink("..data/tls.crt", folder_.path() / "tls.crt");
  fs::create_symlink("..data/tls.key", folder_.path() / "tls.key");
  auto reloader = std::move(*TlsReloader::create(config()));
  EXPECT_EQ(reloader->check(), Outcome::kUnchanged);
  fill("..b");
  fs::remove_all(folder_.path() / "..a");
  EXPECT_EQ(reloader->check(), Outcome::kReloaded);
  EXPECT_EQ(reloader->check(), Outcome::kUnchanged);
}

TEST_F(Reloader, AChangedClientCaIsAReloadToo) {
  put(ca_.issue({"a.test"}));
  put("ca.crt", ca_.root().chain_pem);
  TlsServerConfig settings = config();
  settings.client_verify = ClientVerify::kRequired;
  settings.client_ca.file = folder_.path() / "ca.crt";
  auto reloader = std::move(*TlsReloader::create(settings));
  put("ca.crt", TestCa("Another").root().chain_pem);
  EXPECT_EQ(reloader->check(), Outcome::kReloaded);
  put("ca.crt", "");
  EXPECT_EQ(reloader->check(), Outcome::kFailed);
}

TEST_F(Reloader, ItsThreadReloadsAndEnds) {
  put(ca_.issue({"a.test"}));
  auto reloader = std::move(*TlsReloader::create(config()));
  const auto first = reloader->source()->current();
  put(ca_.issue({"b.test"}));
  reloader->start(1ms);
  while (reloader->num_reloads() == 0) std::this_thread::yield();
  EXPECT_NE(reloader->source()->current(), first);
}

}  // namespace
}  // namespace nacelle::net
