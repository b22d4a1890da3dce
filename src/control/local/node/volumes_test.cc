#include "control/local/node/volumes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/runtime.h"
#include "base/file.h"
#include "control/local/node/testing/fake_cluster.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

pod::PodSpec spec_with(const char* volumes) {
  const pod::Json object = {
      {"metadata", {{"name", "p"}, {"namespace", "ns"}, {"uid", "u"}, {"labels", {{"app", "x"}}}}},
      {"spec", {{"containers", {{{"name", "c"}}}}, {"volumes", pod::Json::parse(volumes)}}}};
  Result<pod::PodSpec> spec = pod::parse_pod(object);
  EXPECT_TRUE(spec.ok()) << spec.error().to_string();
  return *spec;
}

class VolumesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / fmt::format("volumes_{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const fs::path& path) {
    return read_file(path).ok() ? *read_file(path) : "absent";
  }
  int mode(const fs::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777) : -1;
  }

  async::Loop loop_;
  testing::FakeCluster cluster_{loop_};
  fs::path folder_;
  const pod::PodPlace place_{"127.64.0.9", "127.0.0.1", "node-a", {{"cpu", Quantity(3)}}};
};

TEST_F(VolumesTest, ProjectedFilesChangeAsAWhole) {
  cluster_.configs["configmap/cm"] = {{"a", "1"}, {"b", "2"}};
  cluster_.configs["secret/s"] = {{"key", "hidden"}};
  const pod::PodSpec spec = spec_with(R"([{"name":"v","projected":{"defaultMode":256,"sources":[
      {"configMap":{"name":"cm"}},
      {"secret":{"name":"s","items":[{"key":"key","path":"deep/secret","mode":384}]}},
      {"secret":{"name":"gone","optional":true}},
      {"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},
          {"path":"cpu","resourceFieldRef":{"containerName":"c","resource":"limits.cpu"}}]}},
      {"serviceAccountToken":{"path":"token"}}]}}])");
  const Result<VolumePaths> made = make_volumes(spec, place_, cluster_, folder_);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  const fs::path v = made->at("v");
  EXPECT_EQ(file(v / "a"), "1");
  EXPECT_EQ(mode(v / "a"), 0400);
  EXPECT_EQ(file(v / "deep" / "secret"), "hidden");
  EXPECT_EQ(mode(v / "deep" / "secret"), 0600);
  EXPECT_EQ(file(v / "labels"), "app=\"x\"");
  EXPECT_EQ(file(v / "cpu"), "3");
  EXPECT_EQ(file(v / "token"), "token");

  const fs::path before = fs::read_symlink(v / "..data");
  ASSERT_TRUE(refresh_volumes(spec, place_, cluster_, folder_).ok());
  EXPECT_EQ(fs::read_symlink(v / "..data"), before);  // nothing changed, nothing moves
  cluster_.configs["configmap/cm"] = {{"a", "3"}};
  ASSERT_TRUE(refresh_volumes(spec, place_, cluster_, folder_).ok());
  EXPECT_NE(fs::read_symlink(v / "..data"), before);
  EXPECT_EQ(file(v / "a"), "3");
  EXPECT_EQ(file(v / "b"), "absent");
  EXPECT_FALSE(fs::exists(v / before));
  cluster_.configs.clear();  // gone for the moment: the last files stay
  ASSERT_TRUE(refresh_volumes(spec, place_, cluster_, folder_).ok());
  EXPECT_EQ(file(v / "a"), "3");
  remove_volumes(spec, folder_);
  EXPECT_FALSE(fs::exists(v));
}

TEST_F(VolumesTest, SaysWhatIsMissing) {
  struct Row {
    const char* volume;
    const char* why;
  };
  constexpr Row kRows[] = {
      {R"([{"name":"v","configMap":{"name":"gone"}}])", "volume v: configmap \"gone\" not found"},
      {R"([{"name":"v","configMap":{"name":"cm","items":[{"key":"k","path":"k"}]}}])",
       "volume v: configmap \"cm\" has no key \"k\""},
      {R"([{"name":"v","hostPath":{"path":"/no/such"}}])",
       "volume v: hostPath /no/such does not exist"},
      {R"([{"name":"v","hostPath":{"path":"/etc/passwd","type":"Directory"}}])",
       "volume v: hostPath /etc/passwd is not a directory"},
      {R"([{"name":"v","persistentVolumeClaim":{"claimName":"pvc"}}])",
       "volume v: claim pvc is not bound"},
      {R"([{"name":"v","nfs":{"server":"x","path":"/"}}])",
       "volume v: volumes of kind nfs do not exist on this node"},
  };
  cluster_.configs["configmap/cm"] = {};
  for (const Row& row : kRows) {
    const auto made = make_volumes(spec_with(row.volume), place_, cluster_, folder_);
    ASSERT_FALSE(made.ok()) << row.volume;
    EXPECT_EQ(made.error().message(), row.why);
  }
}

TEST_F(VolumesTest, EmptyDirsAndClaims) {
  cluster_.claims["pvc"] = folder_ / "claim";
  const pod::PodSpec spec = spec_with(R"([{"name":"e"},{"name":"m","emptyDir":{"medium":"Memory"}},
      {"name":"c","persistentVolumeClaim":{"claimName":"pvc"}},{"name":"h","hostPath":{"path":"/etc"}}])");
  const Result<VolumePaths> made = make_volumes(spec, place_, cluster_, folder_);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(mode(made->at("e")), 0777);
  EXPECT_TRUE(fs::is_directory(made->at("m")));
  EXPECT_EQ(made->at("c"), folder_ / "claim");
  EXPECT_EQ(made->at("h"), "/etc");
  const fs::path memory = made->at("m");
  remove_volumes(spec, folder_);
  EXPECT_FALSE(fs::exists(memory));
}

}  // namespace
}  // namespace nacelle::control::node
