#include "kernels/threads/choose_cpus.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/threads/testing/fake_machine.h"

namespace nacelle::kernels {
namespace {

struct Case {
  const char* name;
  FakeMachine machine;
  const char* allowed;
  std::optional<double> quota;
  ThreadRequest request;
  std::vector<CpuNumber> cpus;
  bool bound;
  const char* nodes;
};

std::vector<CpuNumber> range(CpuNumber begin, CpuNumber end) {
  std::vector<CpuNumber> out;
  for (; begin < end; ++begin) out.push_back(begin);
  return out;
}

constexpr auto kNone = ThreadBinding::kNone;
constexpr auto kList = ThreadBinding::kList;
const FakeMachine kSmallVm{.cores = 2};
const FakeMachine kSmt{.cores = 8, .threads_per_core = 2};
const FakeMachine kTwoSockets{.packages = 2, .nodes_per_package = 4, .cores = 4};
const FakeMachine kTwoSmtSockets{.packages = 2, .cores = 4, .threads_per_core = 2};
const FakeMachine kLarge{.cores = 64};

const std::vector<Case> kCases = {
    {"2-core VM: both cores, nothing to gain from binding",
     kSmallVm,
     "0-1",
     {},
     {},
     {0, 1},
     false,
     "0"},
    {"8 cores of 2 threads: a thread per core, bound",
     kSmt,
     "0-15",
     {},
     {},
     range(0, 8),
     true,
     "0"},
    {"SMT, one sibling of each core in the cpuset: nothing to avoid",
     kSmt,
     "8-15",
     {},
     {},
     range(8, 16),
     false,
     "0"},
    {"SMT, a cpuset of one whole core and one sibling", kSmt, "0,8,9", {}, {}, {0, 9}, true, "0"},
    {"2 sockets of 4 nodes: all cores, spread over all nodes",
     kTwoSockets,
     "0-31",
     {},
     {},
     range(0, 32),
     true,
     "0-7"},
    {"6 threads on nodes of 4 cores: two nodes of one socket",
     kTwoSockets,
     "0-31",
     {},
     {.num_threads = 6},
     range(0, 6),
     false,
     "0-7"},
    {"the largest nodes first: 4 threads need one node only",
     kTwoSockets,
     "0,1,4-7,20",
     {},
     {.num_threads = 4},
     {4, 5, 6, 7},
     false,
     "0-1,5"},
    {"the second node is of the first one's socket",
     kTwoSockets,
     "16-19,4-7,20-23",
     {},
     {.num_threads = 12},
     {4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23},
     true,
     "1,4-5"},
    {"quota 2.5 on 64 cores: two threads that may run anywhere",
     kLarge,
     "0-63",
     2.5,
     {},
     {0, 1},
     false,
     "0"},
    {"quota 2.5 with SMT: not bound either, neighbours would choose the same",
     kSmt,
     "0-15",
     2.5,
     {},
     {0, 1},
     false,
     "0"},
    {"quota below one CPU is one thread", kLarge, "0-63", 0.3, {}, {0}, false, "0"},
    {"quota above the machine", kSmallVm, "0-1", 1e300, {}, {0, 1}, false, "0"},
    {"quota of a part of the sockets: memory on every node it may run on",
     kTwoSockets,
     "0-31",
     8.0,
     {},
     range(0, 8),
     false,
     "0-7"},
    {"off-line CPUs are in no plan",
     {.cores = 4, .offline = {1, 2}},
     "0,3",
     {},
     {},
     {0, 3},
     false,
     "0"},
    {"a container without /sys: a thread per CPU of the mask",
     {.cores = 0},
     "2-4",
     {},
     {},
     {2, 3, 4},
     false,
     "0"},
    {"--threads below the cores: room for others, not bound",
     kSmt,
     "0-15",
     {},
     {.num_threads = 2},
     {0, 1},
     false,
     "0"},
    {"--threads above the cores takes siblings",
     kSmt,
     "0-15",
     {},
     {.num_threads = 10},
     range(0, 10),
     false,
     "0"},
    {"--threads above the quota", kLarge, "0-63", 4.0, {.num_threads = 9}, range(0, 4), false, "0"},
    {"nobind", kSmt, "0-15", {}, {.binding = kNone}, range(0, 8), false, "0"},
    {"a list binds, even to siblings",
     kSmt,
     "0-15",
     {},
     {.binding = kList, .list = {0, 1, 8}},
     {0, 1, 8},
     true,
     "0"},
    {"a list and fewer threads",
     kSmallVm,
     "0-1",
     {},
     {.num_threads = 1, .binding = kList, .list = {1}},
     {1},
     true,
     "0"},
    {"a list never exceeds the quota",
     kLarge,
     "0-63",
     2.0,
     {.binding = kList, .list = {4, 5, 6}},
     {4, 5},
     true,
     "0"},
    {"a reserved core", kSmt, "0-15", {}, {.num_reserved_cores = 1}, range(0, 7), true, "0"},
    {"more reserved cores than there are",
     kSmallVm,
     "0-1",
     {},
     {.num_reserved_cores = 9},
     {0},
     false,
     "0"},
    {"one node of two is bound: threads must not leave it",
     kTwoSmtSockets,
     "0-15",
     {},
     {.nodes = CpuList{1}},
     {4, 5, 6, 7},
     true,
     "1"},
};

TEST(ChooseCpus, Cases) {
  for (const Case& item : kCases) {
    SCOPED_TRACE(item.name);
    const auto plan = choose_cpus(item.machine.topology(), parse_cpu_list(item.allowed).value(),
                                  item.quota, item.request);
    ASSERT_TRUE(plan.ok()) << plan.error().to_string();
    EXPECT_EQ(plan->cpus, item.cpus);
    EXPECT_EQ(plan->bound, item.bound);
    EXPECT_EQ(format_cpu_list(plan->nodes), item.nodes);
    EXPECT_EQ(plan->quota, item.quota);
    EXPECT_EQ(plan->fewer_than_asked, item.request.num_threads > item.cpus.size());
  }
}

TEST(ChooseCpus, CoresAreCountedWithoutSiblings) {
  const auto plan = choose_cpus(kSmt.topology(), parse_cpu_list("0-15").value(), {}, {});
  EXPECT_EQ(plan.value().num_cores, 8u);
}

TEST(ChooseCpus, RefusesWhatCannotBe) {
  const auto refuse = [](const ThreadRequest& request) {
    const auto plan = choose_cpus(kSmallVm.topology(), {0, 1}, {}, request);
    EXPECT_FALSE(plan.ok());
    return plan.error().message();
  };
  EXPECT_EQ(refuse({.binding = kList, .list = {1, 2, 3}}),
            "threads cannot be bound to the CPUs 1-3: this process may use 0-1");
  EXPECT_EQ(refuse({.binding = kList}), "the list of CPUs to bind threads to is empty");
  EXPECT_EQ(refuse({.nodes = CpuList{3}}), "no CPU is left for the kernels' threads");
}

}  // namespace
}  // namespace nacelle::kernels
