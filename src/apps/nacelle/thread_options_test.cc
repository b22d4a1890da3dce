#include "apps/nacelle/thread_options.h"

#include <gtest/gtest.h>

#include <map>

#include "cli/flags/flag_parser.h"
#include "cli/vllm_flags.h"

namespace nacelle::apps {
namespace {

using kernels::CpuList;
using kernels::ThreadBinding;
using Variables = std::map<std::string, std::string>;

Result<kernels::ThreadRequest> resolve(std::vector<std::string> args, Variables variables = {}) {
  auto flags = cli::FlagParser(cli::vllm_serve_flags()).parse(args);
  if (!flags) return flags.error();
  return resolve_thread_options(*flags, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(ThreadOptions, Defaults) {
  const auto request = resolve({"m"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->num_threads, 0u);
  EXPECT_EQ(request->binding, ThreadBinding::kAuto);
  EXPECT_FALSE(request->nodes);
}

TEST(ThreadOptions, BindingOfVllm) {
  const auto bind = [](const char* value) {
    return resolve({"m", "--threads", "3"}, {{"VLLM_CPU_OMP_THREADS_BIND", value}});
  };
  EXPECT_EQ(bind("auto")->binding, ThreadBinding::kAuto);
  EXPECT_EQ(bind("nobind")->binding, ThreadBinding::kNone);
  EXPECT_EQ(bind("nobind")->num_threads, 3u);
  EXPECT_EQ(bind("0-2,7")->list, (CpuList{0, 1, 2, 7}));
  EXPECT_EQ(bind("0-1|2-3")->list, (CpuList{0, 1}));
  EXPECT_EQ(
      bind("all").error().message(),
      "VLLM_CPU_OMP_THREADS_BIND must be auto, nobind or a list of CPUs like 0-3,8, got 'all'");
  EXPECT_FALSE(bind("|1").ok());
}

TEST(ThreadOptions, AutoCanBeNarrowed) {
  const auto request =
      resolve({"m"}, {{"VLLM_CPU_NUM_OF_RESERVED_CPU", "2"}, {"CPU_VISIBLE_MEMORY_NODES", "0,1"}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->num_reserved_cores, 2u);
  EXPECT_EQ(request->nodes, (CpuList{0, 1}));
  EXPECT_FALSE(resolve({"m"}, {{"VLLM_CPU_NUM_OF_RESERVED_CPU", "-1"}}).ok());
  EXPECT_FALSE(resolve({"m"}, {{"CPU_VISIBLE_MEMORY_NODES", "a"}}).ok());
}

TEST(ThreadOptions, ThreadsHaveARange) {
  EXPECT_EQ(resolve({"m", "--threads", "1024"})->num_threads, 1024u);
  EXPECT_FALSE(resolve({"m", "--threads", "1025"}).ok());
}

}  // namespace
}  // namespace nacelle::apps
