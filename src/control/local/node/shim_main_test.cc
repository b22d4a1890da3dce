// main() of this component's tests. The same program is the shim of their containers, and the node
// agent that one of them kills.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>
#include <cstdio>

#include "async/runtime.h"
#include "base/file.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/node_agent.h"
#include "control/local/node/testing/fake_cluster.h"

namespace nacelle::control::node {
namespace {

async::Task<bool> run_pod(async::Loop* loop, std::string folder, std::string pod_file) {
  testing::FakeCluster cluster(*loop);
  NodeConfig config;
  config.name = "node-a";
  config.folder = folder;
  config.cgroups = false;
  auto agent = NodeAgent::create(*loop, config, cluster, cluster);
  if (!agent.ok()) co_return false;
  const pod::Json object = pod::Json::parse(*read_file(pod_file));
  (*agent)->set_pod(object);
  const std::string uid = object["metadata"]["uid"];
  const bool running = co_await cluster.wait([&] { return cluster.ready(uid); });
  std::printf("%s\n", running ? "running" : "failed");
  std::fflush(stdout);
  const OwnedFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup2(null.get(), 1);  // the end of our output: the test goes on
  while (true) co_await async::sleep_for(std::chrono::hours(1));
}

int run_agent(const char* folder, const char* pod_file) {
  async::Runtime runtime(1);
  runtime.start();
  return async::run_blocking(runtime.loop(0), run_pod(&runtime.loop(0), folder, pod_file)) ? 0 : 1;
}

}  // namespace
}  // namespace nacelle::control::node

int main(int argc, char** argv) {
  using namespace nacelle::control::node;
  if (argc == 3 && std::string_view(argv[1]) == kShimCommand) return run_container_shim(argv[2]);
  if (argc == 4 && std::string_view(argv[1]) == "node-agent") return run_agent(argv[2], argv[3]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
