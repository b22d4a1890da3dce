// What a container finds when it starts, and how it is asked to end.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "control/local/node/testing/agent_fixture.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
using testing::pod_object;
using testing::shell;

class NodeAgentContainers : public testing::NodeAgentTest {
 protected:
  // As a user's `kubectl delete` does.
  void end_gracefully(pod::Json object) {
    object["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z";
    object["metadata"]["deletionGracePeriodSeconds"] = 30;
    set(object);
  }
};

TEST_F(NodeAgentContainers, APlainSecretIsAVolumeAndItsChangesArrive) {
  start();
  cluster_->configs["secret/keys"] = {{"token", "one"}};
  const pod::Json object = pod_object(
      "sec",
      fmt::format(
          R"({{"restartPolicy":"Never","volumes":[{{"name":"keys","secret":{{"secretName":"keys",
               "defaultMode":256,"items":[{{"key":"token","path":"sub/t"}}]}}}}],"containers":[{}]}})",
          shell("stat -L -c %a /nacelle-test/keys/sub/t > first; cat /nacelle-test/keys/sub/t >> "
                "first; "
                "mv first seen; until grep -q two /nacelle-test/keys/sub/t; do sleep 0.01; done",
                R"(,"volumeMounts":[{"name":"keys","mountPath":"/nacelle-test/keys"}])")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return fs::exists(work("sec") / "seen"); }));
  EXPECT_EQ(*read_file(work("sec") / "seen"), "400\none");
  EXPECT_TRUE(expect(
      [&] {
        cluster_->configs["secret/keys"]["token"] = "two";
        agent_->inputs_changed();
      },
      [&] { return cluster_->phase("sec") == "Succeeded"; }));
}

TEST_F(NodeAgentContainers, AContainerWorksWhereItIsTold) {
  start();
  fs::create_directories(folder_ / "here");
  const pod::Json object = pod_object(
      "wd", fmt::format(
                R"({{"restartPolicy":"Never","volumes":[{{"name":"scratch","emptyDir":{{}}}}],
               "initContainers":[{{"name":"init","image":"x","command":["sh","-c","echo below > f"],
                 "workingDir":"/nacelle-test/scratch",
                 "volumeMounts":[{{"name":"scratch","mountPath":"/nacelle-test/scratch"}}]}}],
               "containers":[{}]}})",
                shell("(pwd; cat /nacelle-test/scratch/f) > /dev/termination-log",
                      fmt::format(R"(,"workingDir":{},
                 "volumeMounts":[{{"name":"scratch","mountPath":"/nacelle-test/scratch"}}])",
                                  pod::Json((folder_ / "here").string()).dump()))));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return cluster_->phase("wd") == "Succeeded"; }));
  EXPECT_EQ(seen("wd")["state"]["terminated"]["message"], (folder_ / "here").string() + "\nbelow");
}

// The hook runs in the container's world while the program still does, which is asked to end after
// it.
TEST_F(NodeAgentContainers, APreStopHookRunsBeforeTheProgramIsAskedToEnd) {
  start();
  const fs::path order = folder_ / "order";  // the pod's own folder goes with it
  const pod::Json object = pod_object(
      "ps",
      fmt::format(
          R"({{"terminationGracePeriodSeconds":30,"containers":[{}]}})",
          shell("trap 'echo term >> $ORDER; exit 0' TERM; touch up; while :; do sleep 0.01; done",
                fmt::format(R"(,"env":[{{"name":"ORDER","value":{}}}],
                 "lifecycle":{{"preStop":{{"exec":{{"command":["sh","-c",
                   "echo hook >> $ORDER; sleep 0.2; echo done >> $ORDER"]}}}}}})",
                            pod::Json(order.string()).dump()))));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return fs::exists(work("ps") / "up"); }));
  EXPECT_TRUE(
      expect([&] { end_gracefully(object); }, [&] { return cluster_->removed.contains("ps"); }));
  EXPECT_EQ(seen("ps")["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(*read_file(order), "hook\ndone\nterm\n");
}

TEST_F(NodeAgentContainers, APreStopHookThatFailsIsSaidAndTheProgramEndsAllTheSame) {
  start();
  const pod::Json object = pod_object(
      "pf", fmt::format(R"({{"terminationGracePeriodSeconds":30,"containers":[{}]}})",
                        shell("trap 'exit 0' TERM; touch up; while :; do sleep 0.01; done",
                              R"(,"lifecycle":{"preStop":{"exec":{"command":["sh","-c",
                                 "echo no such peer; exit 4"]}}})")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return fs::exists(work("pf") / "up"); }));
  EXPECT_TRUE(
      expect([&] { end_gracefully(object); }, [&] { return cluster_->removed.contains("pf"); }));
  EXPECT_EQ(seen("pf")["state"]["terminated"]["exitCode"], 0);
  EXPECT_TRUE(std::any_of(events_.begin(), events_.end(), [](const std::string& event) {
    return event.starts_with("FailedPreStopHook: ") && event.find("no such peer") != event.npos;
  })) << ::testing::PrintToString(events_);
}

}  // namespace
}  // namespace nacelle::control::node
