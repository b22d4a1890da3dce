#include "control/local/node/node_agent.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "control/local/child_process.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/pod_runner.h"
#include "control/local/node/testing/agent_fixture.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
using testing::pod_object;
using testing::shell;
using NodeAgentTest = testing::NodeAgentTest;

TEST_F(NodeAgentTest, RunsAPodWithProbesAndRestartsIt) {
  start();
  const pod::Json object = pod_object(
      "u1",
      fmt::format(
          R"({{"containers":[{}]}})",
          shell(
              "rm -f stop; echo up; touch ready; "
              "while [ ! -f stop ]; do sleep 0.01; done; rm ready; echo bye >&2; exit 3",
              R"(,"readinessProbe":{"exec":{"command":["test","-f","ready"]},"periodSeconds":1})")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return cluster_->ready("u1"); }));
  const pod::Json status = seen_["u1"];
  EXPECT_EQ(status["phase"], "Running");
  EXPECT_TRUE(status["podIP"].get<std::string>().starts_with("127.64.0."));

  EXPECT_TRUE(expect(
      [&] { touch(work("u1") / "stop"); },
      [&] { return cluster_->ready("u1") && cluster_->container("u1")["restartCount"] == 1; }));
  const pod::Json last = seen("u1")["lastState"]["terminated"];
  EXPECT_EQ(last["exitCode"], 3);
  EXPECT_EQ(last["reason"], "Error");
  EXPECT_EQ(last["message"], "exit code 3; last lines:\nup\nbye");
  EXPECT_EQ(run(read_log(this, {"u1", "c", true, {}})), "up\nbye\n");
  EXPECT_EQ(run(read_log(this, {"u1", "c", false, {}})), "up\n");
  EXPECT_EQ(run(read_log(this, {"u1", "nope", false, {}})),
            "container nope is not valid for pod p-u1");

  pod::Json deleted = object;
  deleted["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z";
  deleted["metadata"]["deletionGracePeriodSeconds"] = 30;
  EXPECT_TRUE(expect([&] { set(deleted); },
                     [&] { return cluster_->removed.contains("u1") && agent_->pods().empty(); }));
  EXPECT_FALSE(fs::exists(pod_folder("u1")));
}

// A port of this machine that is nobody else's and refuses until listen().
class ClosedPort {
 public:
  ClosedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  void listen() const { EXPECT_EQ(::listen(socket_, 8), 0); }
  [[nodiscard]] int number() const { return number_; }

 private:
  int socket_;
  int number_ = 0;
};

TEST_F(NodeAgentTest, AServerThatComesUpIsSeenWithinItsPeriod) {
  start();
  const ClosedPort port;
  const pod::Json object = pod_object(
      "u1", fmt::format(R"({{"containers":[{}]}})",
                        shell("sleep 600", fmt::format(R"(,"startupProbe":{{"tcpSocket":{{
                            "host":"127.0.0.1","port":{}}},"periodSeconds":600}})",
                                                       port.number()))));
  EXPECT_TRUE(expect([&] { set(object); },
                     [&] { return cluster_->phase("u1") == "Running" && !cluster_->ready("u1"); }));
  EXPECT_TRUE(expect([&] { port.listen(); }, [&] { return cluster_->ready("u1"); }));
}

TEST_F(NodeAgentTest, VolumesAreWhereProgramsLookForThem) {
  std::vector<MountMode> modes = {MountMode::kTranslate};
  if (const MountMode best = best_mount_mode(); best != MountMode::kTranslate)
    modes.push_back(best);
  for (const MountMode mode : modes) {
    SCOPED_TRACE(to_string(mode));
    start(mode);
    cluster_->configs["configmap/settings"] = {{"color", "blue"}};
    const std::string uid = "v-" + std::string(to_string(mode));
    const pod::Json object = pod_object(
        uid,
        fmt::format(
            R"({{"restartPolicy":"Never","volumes":[{{"name":"scratch"}},{{"name":"conf","configMap":{{"name":"settings"}}}}],
                 "initContainers":[{{"name":"init","image":"x","command":["sh","-c","echo from-init > /nacelle-test/scratch/file"],
                    "volumeMounts":[{{"name":"scratch","mountPath":"/nacelle-test/scratch"}}]}}],
                 "containers":[{}]}})",
            shell("cat /nacelle-test/scratch/file /etc/nacelle-test/conf/color > "
                  "/dev/termination-log",
                  R"(,"volumeMounts":[{"name":"scratch","mountPath":"/nacelle-test/scratch"},
                           {"name":"conf","mountPath":"/etc/nacelle-test/conf","readOnly":true}])")));
    EXPECT_TRUE(expect([&] { set(object); }, [&] { return cluster_->phase(uid) == "Succeeded"; }));
    EXPECT_EQ(seen(uid)["state"]["terminated"]["message"], "from-init\nblue");
    EXPECT_FALSE(fs::exists("/nacelle-test"));
    EXPECT_FALSE(fs::exists("/etc/nacelle-test"));
    run(end(this, NodeAgent::Stop::kEndPods));
  }
}

TEST_F(NodeAgentTest, MissingObjectsHoldTheContainerUntilTheyCome) {
  start();
  const pod::Json object =
      pod_object("m", fmt::format(R"({{"restartPolicy":"Never","containers":[{}]}})",
                                  shell("echo $COLOR > /dev/termination-log",
                                        R"(,"envFrom":[{"configMapRef":{"name":"settings"}}])")));
  EXPECT_TRUE(expect([&] { set(object); },
                     [&] { return cluster_->waiting("m") == "CreateContainerConfigError"; }));
  EXPECT_EQ(seen("m")["state"]["waiting"]["message"], "configmap \"settings\" not found");
  EXPECT_TRUE(expect(
      [&] {
        cluster_->configs["configmap/settings"] = {{"COLOR", "green"}};
        agent_->inputs_changed();
      },
      [&] { return cluster_->phase("m") == "Succeeded"; }));
  EXPECT_EQ(seen("m")["state"]["terminated"]["message"], "green");
}

TEST_F(NodeAgentTest, SaysWhyAnImageCannotRun) {
  start();
  EXPECT_TRUE(expect(
      [&] {
        set(pod_object("i1", R"({"containers":[{"name":"c","image":"nginx:1.25"}]})"));
        set(pod_object("i2",
                       R"({"containers":[{"name":"c","image":"q","command":["/no/such"]}]})"));
        set(pod_object(
            "i3",
            R"({"restartPolicy":"Never","containers":[{"name":"c","image":"vllm/vllm-openai:v1","args":["--model","/m"]}]})"));
      },
      [&] {
        return cluster_->waiting("i1") == "ErrImagePull" &&
               cluster_->waiting("i2") == "ErrImagePull" && cluster_->phase("i3") == "Succeeded";
      }));
  EXPECT_EQ(
      seen("i2")["state"]["waiting"]["message"],
      "image \"q\" is not pulled, programs come from this host, and the host has no \"/no/such\"");
  // The engine of this test is echo.
  const std::string ip = seen_["i3"]["podIP"];
  EXPECT_EQ(run(read_log(this, {"i3", "c", false, {}})), "serve --model /m --host " + ip + "\n");
}

TEST_F(NodeAgentTest, KillsWhatDoesNotEndAndWhatItLeavesBehind) {
  start();
  pod::Json object = pod_object(
      "k",
      fmt::format(
          R"({{"terminationGracePeriodSeconds":0,"containers":[{}]}})",
          shell("trap '' TERM; (trap '' TERM HUP; while :; do sleep 0.01; done) & echo $! > child; "
                "touch up; wait")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return fs::exists(work("k") / "up"); }));
  const pid_t child = std::stoi(*read_file(work("k") / "child"));
  EXPECT_EQ(::kill(child, 0), 0);
  EXPECT_TRUE(
      expect([&] { agent_->remove_pod("k"); }, [&] { return cluster_->removed.contains("k"); }));
  EXPECT_EQ(process_start_time(child), 0u);
  EXPECT_EQ(seen("k")["state"]["terminated"]["signal"], 9);
}

TEST_F(NodeAgentTest, AcceleratorsAreCounted) {
  start();
  const auto gpu_pod = [&](const std::string& uid, int count) {
    return pod_object(
        uid,
        fmt::format(
            R"({{"restartPolicy":"Never","terminationGracePeriodSeconds":0,"containers":[{}]}})",
            shell("echo $CUDA_VISIBLE_DEVICES > /dev/termination-log; touch up; while [ ! -f stop "
                  "]; do sleep 0.01; done",
                  fmt::format(R"(,"resources":{{"limits":{{"nvidia.com/gpu":{}}}}})", count))));
  };
  EXPECT_TRUE(
      expect([&] { set(gpu_pod("g1", 1)); }, [&] { return fs::exists(work("g1") / "up"); }));
  EXPECT_TRUE(
      expect([&] { set(gpu_pod("g2", 2)); }, [&] { return cluster_->phase("g2") == "Failed"; }));
  EXPECT_EQ(seen_["g2"]["reason"], "OutOfnvidia.com/gpu");
  EXPECT_EQ(
      seen_["g2"]["message"],
      "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 2, used: "
      "1, capacity: 2");
  EXPECT_TRUE(
      expect([&] { set(gpu_pod("g3", 1)); }, [&] { return fs::exists(work("g3") / "up"); }));
  EXPECT_TRUE(expect(
      [&] {
        touch(work("g1") / "stop");
        touch(work("g3") / "stop");
      },
      [&] {
        return cluster_->phase("g1") == "Succeeded" && cluster_->phase("g3") == "Succeeded";
      }));
  EXPECT_EQ(seen("g1")["state"]["terminated"]["message"], "0");
  EXPECT_EQ(seen("g3")["state"]["terminated"]["message"], "1");
}

TEST_F(NodeAgentTest, ALostNodeIsSilentAndComesBack) {
  start();
  const pod::Json object = pod_object(
      "l", fmt::format(R"({{"containers":[{}]}})",
                       shell("echo $$$$ > pid; touch up; while :; do sleep 0.01; done")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return fs::exists(work("l") / "up"); }));
  EXPECT_TRUE(expect({}, [&] { return cluster_->phase("l") == "Running"; }));
  const pid_t before = std::stoi(*read_file(work("l") / "pid"));
  run(agent_->lose());
  EXPECT_EQ(process_start_time(before), 0u);
  EXPECT_FALSE(agent_->lease().has_value());
  EXPECT_FALSE(agent_->status().has_value());
  EXPECT_EQ(seen("l")["restartCount"], 0);  // nobody was told
  EXPECT_TRUE(expect([&] { agent_->come_back(); },
                     [&] {
                       return cluster_->container("l")["restartCount"] == 1 &&
                              cluster_->phase("l") == "Running" && cluster_->ready("l");
                     }));
  EXPECT_EQ(seen("l")["lastState"]["terminated"]["exitCode"], 137);
  EXPECT_TRUE(agent_->lease().has_value());
  EXPECT_EQ((*agent_->status())["capacity"]["nvidia.com/gpu"], "2");
}

async::Task<std::string> first_words(ChildProcess* child) {
  co_return co_await child->read_output(8);
}

TEST_F(NodeAgentTest, PodsOutliveAnAgentThatIsKilled) {
  const pod::Json object = pod_object(
      "s",
      fmt::format(
          R"({{"restartPolicy":"Never","containers":[{}]}})",
          shell(
              "echo $$$$ > pid; echo before; while [ ! -f stop ]; do sleep 0.01; done; "
              "echo after; exit 5",
              R"(,"readinessProbe":{"exec":{"command":["test","-s","pid"]},"periodSeconds":1})")));
  std::ofstream(folder_ / "pod.json") << object.dump();
  ChildProcess::Command command;
  command.argv = {"/proc/self/exe", "node-agent", (folder_ / "node").string(),
                  (folder_ / "pod.json").string()};
  command.error_log_file = folder_ / "agent.log";
  auto other = ChildProcess::start(runtime_.loop(0), command);
  ASSERT_TRUE(other.ok());
  ASSERT_EQ(run(first_words(other->get())), "running\n");
  (*other)->signal(SIGKILL);
  (void)run((*other)->wait());
  const pid_t pid = std::stoi(*read_file(work("s") / "pid"));
  const std::uint64_t started = process_start_time(pid);
  EXPECT_NE(started, 0u);  // it lives

  start();
  EXPECT_TRUE(expect([&] { agent_->set_pods({object}); },
                     [&] { return cluster_->phase("s") == "Running"; }));
  EXPECT_EQ(process_start_time(pid), started);
  EXPECT_EQ(seen("s")["restartCount"], 0);
  EXPECT_TRUE(
      expect([&] { touch(work("s") / "stop"); }, [&] { return cluster_->phase("s") == "Failed"; }));
  EXPECT_EQ(seen("s")["state"]["terminated"]["exitCode"], 5);
  EXPECT_EQ(run(read_log(this, {"s", "c", false, {}})), "before\nafter\n");
}

TEST_F(NodeAgentTest, AnEndThatNobodySawIsReadFromItsRecord) {
  start();
  const pod::Json object = pod_object(
      "r", fmt::format(R"({{"restartPolicy":"Never","containers":[{}]}})",
                       shell("touch up; while [ ! -f stop ]; do sleep 0.01; done; exit 6")));
  EXPECT_TRUE(expect([&] { set(object); }, [&] { return cluster_->phase("r") == "Running"; }));
  run(end(this, NodeAgent::Stop::kLeavePods));
  touch(work("r") / "stop");
  EXPECT_TRUE(
      expect({}, [&] { return fs::exists(pod_folder("r") / "containers/c/1" / kExitFile); }));
  start();
  EXPECT_TRUE(expect([&] { agent_->set_pods({object}); },
                     [&] { return cluster_->phase("r") == "Failed"; }));
  EXPECT_EQ(seen("r")["state"]["terminated"]["exitCode"], 6);
}

TEST_F(NodeAgentTest, OneAgentPerFolder) {
  start();
  std::unique_ptr<NodeAgent> first = std::move(agent_);
  EXPECT_FALSE(run(begin(this, MountMode::kTranslate)));
  agent_ = std::move(first);
}

}  // namespace
}  // namespace nacelle::control::node
