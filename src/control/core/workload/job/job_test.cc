// Jobs against a model: whatever the order and the crashes, every pod that ended is counted once.
#include "control/core/workload/job/job.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "control/core/workload/job/index_set.h"
#include "control/core/workload/job/job_pods.h"
#include "control/core/workload/job/pod_failure_policy.h"
#include "control/core/workload/testing/world.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;
using testing::World;

Json J(std::string_view text) { return Json::parse(text); }

std::vector<World::Decider> deciders(World& world) {
  std::vector<World::Decider> out;
  for (const Json& job : world.of("Job")) {
    out.push_back([&world, name = kube::key_of(job).name] {
      const Json* object = world.find("Job", name);
      return object != nullptr ? decide_job({*object, world.of("Pod"), world.now, ""}) : Decision{};
    });
  }
  out.push_back([&world] { return release_job_pods(world.of("Pod"), world.of("Job")); });
  return out;
}

// How pods end: by index and by how often that index was tried, so that order does not matter.
struct Fates {
  std::map<std::int64_t, int> failures;  // of an index before it succeeds
  std::map<std::int64_t, int> tried;
  int exit_code = 1;
  bool never_end = false;

  void run(World& world) {
    world.finish_deletions();
    for (const Json& seen : world.of("Pod")) {
      const std::string_view phase = text_at(seen, {"status", "phase"});
      if (kube::is_being_deleted(seen) || phase == "Succeeded" || phase == "Failed") continue;
      if (phase.empty()) {
        set(world, seen, "Running");
      } else if (!never_end) {
        const std::string text(
            text_at(seen, {"metadata", "annotations", "batch.kubernetes.io/job-completion-index"}));
        const std::int64_t index = text.empty() ? 0 : std::stoll(text);
        const bool fails = tried[index]++ < failures[index];
        set(world, seen, fails ? "Failed" : "Succeeded");
      }
    }
  }

  void set(World& world, const Json& pod, const char* phase) const {
    world.edit("Pod", kube::key_of(pod).name, [&](Json& changed) {
      changed["status"]["phase"] = phase;
      if (std::string_view(phase) == "Running") return;
      Json& container = changed["status"]["containerStatuses"][0];
      container["name"] = "c";
      container["state"]["terminated"] = {
          {"exitCode", std::string_view(phase) == "Failed" ? exit_code : 0},
          {"finishedAt", kube::timestamp(world.now)}};
    });
  }
};

Json job(const char* spec) {
  Json out = J(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"work"},"spec":{
    "parallelism":1,"backoffLimit":6,"template":{"metadata":{"labels":{"job":"work"}},
    "spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})");
  out["spec"].merge_patch(J(spec));
  return out;
}

std::string condition(World& world, std::string_view type, const char* field = "status") {
  const Json* found = world.find("Job", "work");
  if (found == nullptr) return "gone";
  for (const Json& each : kube::list_at(*found, {"status", "conditions"})) {
    if (each["type"] == type) return each[field];
  }
  return "absent";
}

Json status(World& world, const char* field) {
  return (*world.find("Job", "work"))["status"].value(field, Json());
}

TEST(Jobs, EveryEndIsCountedOnceFromAnyInterleavingAndCrash) {
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    std::mt19937 random(seed);
    const bool indexed = seed % 2 == 0;
    const auto completions = static_cast<std::int64_t>(1 + random() % 5);
    Fates fates;
    int failures = 0;
    for (std::int64_t i = 0; i < completions; ++i) {
      fates.failures[i] = static_cast<int>(random() % 3);
      failures += indexed || i == 0 ? fates.failures[i] : 0;
    }
    Json object = job("{}");
    object["spec"]["completions"] = completions;
    object["spec"]["parallelism"] = 1 + random() % 4;
    object["spec"]["backoffLimit"] = random() % 2 == 0 ? 3 : 20;
    if (indexed) object["spec"]["completionMode"] = "Indexed";
    const bool succeeds = failures <= object["spec"]["backoffLimit"].get<int>();

    World world(deciders, [&fates](World& w) { fates.run(w); });
    world.add(object);
    world.stumble(random, 80);
    ASSERT_TRUE(world.settle()) << "seed " << seed << world.text();
    ASSERT_EQ(condition(world, succeeds ? "Complete" : "Failed"), "True")
        << "seed " << seed << world.text();
    if (succeeds) {
      EXPECT_EQ(status(world, "succeeded"), completions) << "seed " << seed;
      EXPECT_EQ(status(world, "failed").is_null() ? 0 : status(world, "failed").get<int>(),
                failures)
          << "seed " << seed << world.text();
    } else {
      EXPECT_EQ(condition(world, "Failed", "reason"), "BackoffLimitExceeded");
      EXPECT_GT(status(world, "failed"), object["spec"]["backoffLimit"]);
    }
    EXPECT_EQ(status(world, "uncountedTerminatedPods"), Json::object());
    EXPECT_TRUE(status(world, "active").is_null());
    for (const Json& pod : world.of("Pod")) {
      EXPECT_TRUE(kube::list_at(pod, {"metadata", "finalizers"}).empty());
    }
    ASSERT_EQ(world.writes_to_settle(), 0) << "seed " << seed;
    world.remove("Job", "work");
    ASSERT_TRUE(world.settle());
    EXPECT_TRUE(world.objects().empty()) << "nothing keeps what is deleted";
  }
}

TEST(Jobs, ADeletedJobLeavesNoPodBehindHoweverFarItGot) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    Fates fates;
    World world(deciders, [&fates](World& w) { fates.run(w); });
    world.add(job(R"({"completions":6,"parallelism":3})"));
    world.stumble(random, static_cast<int>(random() % 40));
    world.remove("Job", "work");
    ASSERT_TRUE(world.settle()) << world.text();
    EXPECT_TRUE(world.objects().empty()) << "seed " << seed << world.text();
  }
}

TEST(Jobs, IndexesAreDoneOnceAndKnowTheirNumber) {
  Fates fates;
  fates.failures[2] = 1;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"completions":4,"parallelism":2,"completionMode":"Indexed"})"));
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(status(world, "completedIndexes"), "0-3");
  EXPECT_EQ(fates.tried, (std::map<std::int64_t, int>{{0, 1}, {1, 1}, {2, 2}, {3, 1}}));
  const Json pod = world.of("Pod")[1];
  EXPECT_EQ(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"],
            pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]);
  EXPECT_TRUE(kube::key_of(pod).name.starts_with(pod["spec"]["hostname"].get<std::string>() + "-"));
  EXPECT_EQ(pod["spec"]["containers"][0]["env"], J(R"([{"name":"JOB_COMPLETION_INDEX","valueFrom":
    {"fieldRef":{"fieldPath":"metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}])"));
}

TEST(Jobs, FailuresWaitLongerEachTime) {
  Fates fates;
  fates.failures[0] = 100;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"backoffLimit":3,"completions":1})"));
  std::vector<std::int64_t> made;
  for (int second = 0; second < 200 && condition(world, "Failed") != "True"; ++second) {
    const std::size_t before = world.of("Pod").size();
    for (int i = 0; i < 4; ++i) {
      for (const auto& decide : deciders(world)) {
        for (const Action& action : decide().actions) (void)world.carry_out(action);
      }
      if (i < 2) fates.run(world);
    }
    if (world.of("Pod").size() > before) made.push_back(world.now);
    ++world.now;
  }
  ASSERT_EQ(made.size(), 4U) << "the first and three more";
  EXPECT_EQ(made[1] - made[0], 10);
  EXPECT_EQ(made[2] - made[1], 20);
  EXPECT_EQ(made[3] - made[2], 40);
  EXPECT_EQ(condition(world, "Failed", "message"), "Job has reached the specified backoff limit");
}

TEST(Jobs, ADeadlineEndsWhatRuns) {
  Fates fates;
  fates.never_end = true;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"activeDeadlineSeconds":60,"completions":2,"parallelism":2})"));
  for (int i = 0; i < 6; ++i) {
    fates.run(world);
    for (const auto& decide : deciders(world)) {
      for (const Action& action : decide().actions) (void)world.carry_out(action);
    }
  }
  EXPECT_EQ(status(world, "active"), 2);
  EXPECT_EQ(
      decide_job({*world.find("Job", "work"), world.of("Pod"), world.now + 20, ""}).look_again_in,
      std::chrono::seconds(40));
  world.now += 60;
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(condition(world, "Failed", "reason"), "DeadlineExceeded");
  EXPECT_EQ(status(world, "failed"), 2);
}

TEST(Jobs, SuspendedOnesHaveNoPodsAndStartAnew) {
  Fates fates;
  fates.never_end = true;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"completions":2,"parallelism":2,"suspend":true})"));
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.of("Pod").empty());
  EXPECT_EQ(condition(world, "Suspended"), "True");
  EXPECT_TRUE(status(world, "startTime").is_null());
  world.edit("Job", "work", [](Json& object) { object["spec"]["suspend"] = false; });
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.of("Pod").size(), 2U);
  EXPECT_EQ(condition(world, "Suspended", "reason"), "JobResumed");
  world.edit("Job", "work", [](Json& object) { object["spec"]["suspend"] = true; });
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.of("Pod").empty());
  EXPECT_TRUE(status(world, "failed").is_null()) << "they did not fail";
}

TEST(Jobs, FinishedOnesGoAfterTheirTime) {
  Fates fates;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"completions":1,"ttlSecondsAfterFinished":100000})"));
  ASSERT_TRUE(world.settle());
  const Decision rest = decide_job({*world.find("Job", "work"), world.of("Pod"), world.now, ""});
  ASSERT_TRUE(rest.look_again_in);
  EXPECT_TRUE(rest.actions.empty());
  const Decision late =
      decide_job({*world.find("Job", "work"), {}, world.now + rest.look_again_in->count(), ""});
  ASSERT_EQ(late.actions.size(), 1U);
  EXPECT_EQ(std::get<Delete>(late.actions[0]).propagation, Propagation::kForeground);
}

TEST(Jobs, WithoutANumberOfCompletionsOneSuccessIsEnough) {
  Fates fates;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"parallelism":3})"));
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(condition(world, "Complete"), "True");
  EXPECT_GE(status(world, "succeeded"), 1);
}

TEST(Jobs, FailurePolicyDecidesByExitCode) {
  const char* policy = R"({"completions":1,"backoffLimit":2,"podFailurePolicy":{"rules":[
    {"action":"FailJob","onExitCodes":{"containerName":"c","operator":"In","values":[42]}},
    {"action":"Ignore","onExitCodes":{"operator":"In","values":[7]}},
    {"action":"Count","onExitCodes":{"operator":"NotIn","values":[9]}}]}})";
  const auto story = [&](int exit_code, int failures) {
    Fates fates;
    fates.failures[0] = failures;
    fates.exit_code = exit_code;
    World world(deciders, [&fates](World& w) { fates.run(w); });
    world.add(job(policy));
    EXPECT_TRUE(world.settle()) << world.text();
    return std::pair(condition(world, "Complete"), condition(world, "Failed", "reason"));
  };
  EXPECT_EQ(story(42, 1), std::pair(std::string("absent"), std::string("PodFailurePolicy")));
  EXPECT_EQ(story(7, 5), std::pair(std::string("True"), std::string("absent"))) << "not counted";
  EXPECT_EQ(story(1, 5), std::pair(std::string("absent"), std::string("BackoffLimitExceeded")));
  EXPECT_EQ(story(1, 2), std::pair(std::string("True"), std::string("absent")));
}

TEST(Jobs, FailurePolicyTables) {
  const Json pod = J(R"({"metadata":{"name":"p","namespace":"n"},"status":{
    "conditions":[{"type":"DisruptionTarget","status":"True"}],
    "initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}}],
    "containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":3}}},
                         {"name":"b","state":{"terminated":{"exitCode":4}}}]}})");
  const auto judge = [&](const char* rules) { return judge_failure({{"rules", J(rules)}}, pod); };
  using A = FailureAction;
  EXPECT_EQ(judge("[]").action, A::kCount);
  const char* in = R"([{"action":"FailJob","onExitCodes":{"operator":"In","values":[4]}}])";
  EXPECT_EQ(judge(in).message,
            "Container b for pod n/p failed with exit code 4 matching FailJob rule at index 0");
  EXPECT_EQ(judge(R"([{"action":"FailJob","onExitCodes":{"containerName":"a","operator":"In",
                   "values":[4]}}])")
                .action,
            A::kCount)
      << "another container's code";
  EXPECT_EQ(judge(R"([{"action":"FailIndex","onExitCodes":{"operator":"NotIn","values":[3,4]}}])")
                .message,
            "")
      << "an exit code of 0 is no failure";
  const char* both = R"([{"action":"New","onPodConditions":[{"type":"DisruptionTarget"}]},
    {"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"}]}])";
  EXPECT_EQ(judge(both).action, A::kIgnore);
  EXPECT_EQ(judge(both).message,
            "Pod n/p has condition DisruptionTarget matching Ignore rule at index 1");
}

TEST(Jobs, IndexesCanBeGivenUpOneByOne) {
  Fates fates;
  fates.failures = {{0, 0}, {1, 9}, {2, 1}};
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"completions":3,"parallelism":3,"completionMode":"Indexed",
                    "backoffLimitPerIndex":1})"));
  ASSERT_TRUE(world.settle()) << world.text();
  EXPECT_EQ(condition(world, "Failed", "reason"), "FailedIndexes");
  EXPECT_EQ(status(world, "completedIndexes"), "0,2");
  EXPECT_EQ(status(world, "failedIndexes"), "1");
  EXPECT_EQ(fates.tried[1], 2);
}

TEST(Jobs, LessParallelismTakesTheLastAway) {
  Fates fates;
  fates.never_end = true;
  World world(deciders, [&fates](World& w) { fates.run(w); });
  world.add(job(R"({"completions":5,"parallelism":4,"completionMode":"Indexed"})"));
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.of("Pod").size(), 4U);
  world.edit("Job", "work", [](Json& object) { object["spec"]["parallelism"] = 2; });
  ASSERT_TRUE(world.settle());
  std::set<std::string> left;
  for (const Json& pod : world.of("Pod")) left.insert(pod["spec"]["hostname"]);
  EXPECT_EQ(left, (std::set<std::string>{"work-0", "work-1"}));
}

TEST(Jobs, SomebodyElsesJobIsLeftAlone) {
  Json other = job(R"({"managedBy":"kueue.x-k8s.io/multikueue"})");
  EXPECT_TRUE(decide_job({other, {}, 0, ""}).actions.empty());
}

TEST(Jobs, NamesFitHoweverLongTheJobsIs) {
  Json long_one = job("{}");
  long_one["metadata"]["name"] = std::string(63, 'a');
  long_one["metadata"]["uid"] = "u";
  EXPECT_EQ(job_pod_name(long_one, std::nullopt, 3).size(), 63U);
  EXPECT_EQ(job_pod_name(long_one, 12345, 3).size(), 63U);
  EXPECT_NE(job_pod_name(long_one, 1, 0), job_pod_name(long_one, 1, 1));
}

TEST(IndexSets, BothWays) {
  for (const char* text : {"", "0", "0,1", "0-2", "1,3-5,7", "0,2,4"}) {
    EXPECT_EQ(IndexSet::parse(text, 10).to_string(), text);
  }
  EXPECT_EQ(IndexSet::parse("3-99999999999999999999,1", 10).to_string(), "1") << "no number";
  EXPECT_EQ(IndexSet::parse("8-20,-1,x,5-3", 10).to_string(), "8,9");
  EXPECT_FALSE(IndexSet(3).add(3));
}

}  // namespace
}  // namespace nacelle::control::workload
