// agent_fixture.h: a node agent on a loop, with a folder of its own and a cluster in memory.
//
// Home:    the test's thread; agent and cluster live on the loop.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "async/runtime.h"
#include "base/file.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/mount_tree.h"
#include "control/local/node/node_agent.h"
#include "control/local/node/testing/fake_cluster.h"

namespace nacelle::control::node::testing {

namespace fs = std::filesystem;
inline pod::Json pod_object(const std::string& uid, const std::string& spec) {
  return {{"metadata", {{"name", "p-" + uid}, {"namespace", "ns"}, {"uid", uid}}},
          {"spec", pod::Json::parse(spec)}};
}

// A container that runs a script. In it $$ is $, as in every command of a pod.
inline std::string shell(const std::string& script, const std::string& more = "") {
  return fmt::format(R"({{"name":"c","image":"busybox","command":["sh","-c",{}]{}}})",
                     pod::Json(script).dump(), more);
}

class NodeAgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              fmt::format("node_agent_{}_{}", ::getpid(),
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    runtime_.start();
  }
  void TearDown() override {
    if (agent_ != nullptr) run(end(this, NodeAgent::Stop::kEndPods));
    runtime_.stop();
    runtime_.join();
    fs::remove_all(folder_);
  }

  template <class T>
  T run(async::Task<T> task) {
    return async::run_blocking(runtime_.loop(0), std::move(task));
  }
  // The agent and the cluster live on the loop.
  static async::Task<bool> begin(NodeAgentTest* test, std::optional<MountMode> mode) {
    if (test->cluster_ == nullptr) {
      test->cluster_ = std::make_unique<FakeCluster>(test->runtime_.loop(0));
    }
    NodeConfig config;
    config.name = "node-a";
    config.folder = test->folder_ / "node";
    config.cgroups = false;
    config.mount_mode = mode;
    config.engine = "/bin/echo";
    config.capacity["nvidia.com/gpu"] = Quantity(2);
    config.capacity["cpu"] = Quantity(4);
    auto agent =
        NodeAgent::create(test->runtime_.loop(0), config, *test->cluster_, *test->cluster_);
    if (!agent.ok()) co_return false;
    test->agent_ = std::move(*agent);
    co_return true;
  }
  void start(std::optional<MountMode> mode = MountMode::kTranslate) {
    ASSERT_TRUE(run(begin(this, mode)));
  }
  static async::Task<void> end(NodeAgentTest* test, NodeAgent::Stop how) {
    co_await test->agent_->stop(how);
    test->agent_.reset();
  }
  static async::Task<bool> call_and_wait(NodeAgentTest* test, std::function<void()> call,
                                         std::function<bool()> condition) {
    if (call) call();
    const bool met = co_await test->cluster_->wait(std::move(condition));
    test->seen_ = test->cluster_->statuses;
    test->events_ = test->cluster_->events;
    co_return met;
  }
  // A container's status as it was when expect() returned.
  pod::Json seen(const std::string& uid) { return seen_[uid]["containerStatuses"][0]; }
  // Runs `call` on the loop and waits for the condition.
  ::testing::AssertionResult expect(std::function<void()> call, std::function<bool()> condition) {
    if (run(call_and_wait(this, std::move(call), std::move(condition)))) {
      return ::testing::AssertionSuccess();
    }
    auto failure = ::testing::AssertionFailure();
    for (const auto& [uid, status] : seen_) failure << "\n" << uid << ": " << status.dump();
    for (const std::string& event : events_) failure << "\n" << event;
    return failure;
  }
  void set(const pod::Json& object) { agent_->set_pod(object); }
  fs::path pod_folder(const std::string& uid) { return folder_ / "node" / "pods" / uid; }
  fs::path work(const std::string& uid) { return pod_folder(uid) / "containers" / "c" / "work"; }
  void touch(const fs::path& path) { std::ofstream(path) << "x"; }

  static async::Task<std::string> read_log(NodeAgentTest* test, NodeAgent::LogRequest request) {
    Result<LogReader> reader = test->agent_->logs(request);
    co_return reader.ok() ? reader->next(1 << 20) : reader.error().message();
  }

  async::Runtime runtime_{1};
  fs::path folder_;
  std::unique_ptr<FakeCluster> cluster_;   // touched on the loop only
  std::map<std::string, pod::Json> seen_;  // copies for the test's thread
  std::vector<std::string> events_;
  std::unique_ptr<NodeAgent> agent_;
};

}  // namespace nacelle::control::node::testing
