#include "control/core/pod/decide.h"

#include <gtest/gtest.h>

#include "control/core/pod/testing/pod_simulation.h"

namespace nacelle::control::pod {
namespace {

using testing::PodSimulation;

TEST(Decide, APodStartsRunsAndIsDeleted) {
  PodSimulation pod(R"({"containers":[{"name":"c"}]})");
  EXPECT_EQ(pod.step(), "set-up");
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.phase(), "Pending");
  EXPECT_EQ(pod.shown("c"), "waiting ContainerCreating");
  pod.set_up();
  EXPECT_EQ(pod.step(), "start c#1");
  EXPECT_TRUE(pod.started("c"));
  EXPECT_FALSE(pod.started("c"));
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.wake, std::nullopt);
  EXPECT_EQ(pod.phase(), "Running");
  EXPECT_EQ(pod.condition("Ready"), "True");

  deletion_requested(pod.spec, pod.state, 30s, pod.now);
  EXPECT_EQ(pod.step(), "signal 15 c#1");
  EXPECT_EQ(pod.sleep_and_step(), "signal 9 c#1");
  pod.exited("c", 0, 9);
  EXPECT_EQ(pod.step(), "release");
  EXPECT_EQ(pod.phase(), "Failed");
  release_done(pod.state);
  EXPECT_EQ(pod.step(), "remove");
  remove_done(pod.state);
  EXPECT_EQ(pod.step(), "");
}

TEST(Decide, RestartsWithBackOffAndForgetsAfterAHealthyRun) {
  PodSimulation pod(R"({"containers":[{"name":"c"}]})");
  pod.bring_up();
  pod.exited("c", 1);
  EXPECT_EQ(pod.step(), "start c#2");  // the first restart is immediate
  std::vector<std::int64_t> waits;
  for (int i = 2; i < 9; ++i) {
    pod.started("c");
    pod.step();
    pod.exited("c", 1);
    EXPECT_EQ(pod.step(), "");
    EXPECT_EQ(pod.shown("c"), "waiting CrashLoopBackOff");
    EXPECT_EQ(pod.phase(), "Running");
    const TimePoint before = pod.now.at;
    EXPECT_EQ(pod.sleep_and_step(), fmt::format("start c#{}", i + 1));
    waits.push_back((pod.now.at - before) / 1s);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{10, 20, 40, 80, 160, 300, 300}));
  EXPECT_EQ(pod.status()["containerStatuses"][0]["restartCount"], 8);
  pod.started("c");
  pod.advance(600s);
  pod.exited("c", 1);
  EXPECT_EQ(pod.step(), "start c#10");
}

TEST(Decide, RestartPolicies) {
  struct Row {
    const char* policy;
    int code;
    const char* next;
    const char* phase;
  };
  constexpr Row kRows[] = {
      {"Always", 0, "start c#2", "Running"},    {"Always", 1, "start c#2", "Running"},
      {"OnFailure", 0, "release", "Succeeded"}, {"OnFailure", 1, "start c#2", "Running"},
      {"Never", 0, "release", "Succeeded"},     {"Never", 1, "release", "Failed"},
  };
  for (const Row& row : kRows) {
    PodSimulation pod(
        fmt::format(R"({{"restartPolicy":"{}","containers":[{{"name":"c"}}]}})", row.policy));
    pod.bring_up();
    pod.exited("c", row.code);
    EXPECT_EQ(pod.step(), row.next) << row.policy << row.code;
    EXPECT_EQ(pod.phase(), row.phase) << row.policy << row.code;
  }
}

TEST(Decide, InitContainersRunOneAfterTheOther) {
  PodSimulation pod(
      R"({"initContainers":[{"name":"a"},{"name":"b"}],"containers":[{"name":"c"}]})");
  pod.step();
  pod.set_up();
  EXPECT_EQ(pod.step(), "start a#1");
  pod.started("a");
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.shown("c"), "waiting PodInitializing");
  EXPECT_EQ(pod.condition("Initialized"), "False ContainersNotInitialized");
  pod.exited("a", 2);
  EXPECT_EQ(pod.step(), "start a#2");
  pod.started("a");
  pod.step();
  pod.exited("a", 0);
  EXPECT_EQ(pod.step(), "start b#1");
  pod.started("b");
  pod.step();
  pod.exited("b", 0);
  EXPECT_EQ(pod.step(), "start c#1");
  EXPECT_EQ(pod.condition("Initialized"), "True");
  EXPECT_EQ(pod.phase(), "Pending");
  pod.started("c");
  EXPECT_EQ(pod.phase(), "Running");
}

TEST(Decide, AFailedInitContainerUnderNeverFailsThePod) {
  PodSimulation pod(
      R"({"restartPolicy":"Never","initContainers":[{"name":"a"}],"containers":[{"name":"c"}]})");
  pod.bring_up();
  pod.exited("a", 1);
  EXPECT_EQ(pod.step(), "release");
  EXPECT_EQ(pod.phase(), "Failed");
  EXPECT_EQ(pod.condition("Initialized"), "False ContainersNotInitialized");
}

TEST(Decide, SidecarsStartInOrderAndEndLast) {
  PodSimulation pod(R"({"restartPolicy":"Never","initContainers":[
      {"name":"s1","restartPolicy":"Always","startupProbe":{"tcpSocket":{"port":1}}},
      {"name":"s2","restartPolicy":"Always"}],"containers":[{"name":"c"}]})");
  pod.step();
  pod.set_up();
  EXPECT_EQ(pod.step(), "start s1#1");
  pod.started("s1");
  EXPECT_EQ(pod.step(), "Startup s1#1");
  pod.probed("s1", ProbeKind::kStartup, true);
  EXPECT_EQ(pod.step(), "start s2#1");
  pod.started("s2");
  EXPECT_EQ(pod.step(), "start c#1");
  pod.started("c");
  EXPECT_EQ(pod.condition("Ready"), "True");
  // A sidecar is started again whatever the pod's policy, and holds nobody up any more.
  pod.exited("s1", 1);
  EXPECT_EQ(pod.step(), "start s1#2");
  pod.started("s1");
  EXPECT_EQ(pod.step(), "Startup s1#2");
  pod.probed("s1", ProbeKind::kStartup, true);
  pod.exited("c", 0);
  EXPECT_EQ(pod.step(), "signal 15 s2#1");
  EXPECT_EQ(pod.phase(), "Running");
  pod.exited("s2", 0, 15);
  EXPECT_EQ(pod.step(), "signal 15 s1#2");
  pod.exited("s1", 7);
  EXPECT_EQ(pod.step(), "release");
  EXPECT_EQ(pod.phase(), "Succeeded");  // sidecars do not count
}

TEST(Decide, StartupProbeHoldsTheOthersAndLivenessRestarts) {
  PodSimulation pod(R"({"terminationGracePeriodSeconds":5,"containers":[{"name":"c",
      "startupProbe":{"tcpSocket":{"port":1},"periodSeconds":2,"failureThreshold":3},
      "livenessProbe":{"tcpSocket":{"port":1},"periodSeconds":4,"failureThreshold":2,"terminationGracePeriodSeconds":3},
      "readinessProbe":{"tcpSocket":{"port":1},"initialDelaySeconds":3,"successThreshold":2}}]})");
  pod.bring_up();
  EXPECT_EQ(pod.condition("Ready"), "False ContainersNotReady");
  pod.probed("c", ProbeKind::kStartup, false);
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.sleep_and_step(), "Startup c#1");
  pod.probed("c", ProbeKind::kStartup, true);
  EXPECT_EQ(pod.step(), "Liveness c#1");
  pod.probed("c", ProbeKind::kLiveness, true);
  pod.step();
  EXPECT_EQ(pod.sleep_and_step(), "Readiness c#1");
  pod.probed("c", ProbeKind::kReadiness, true);
  pod.step();
  EXPECT_EQ(pod.condition("Ready"), "False ContainersNotReady");  // one of two
  EXPECT_EQ(pod.sleep_and_step(), "Liveness c#1");
  pod.probed("c", ProbeKind::kLiveness, false);
  pod.step();
  EXPECT_EQ(pod.sleep_and_step(), "Liveness c#1");
  pod.probed("c", ProbeKind::kLiveness, false);
  EXPECT_EQ(pod.step(), "signal 15 c#1");
  const TimePoint asked = pod.now.at;
  std::string said;
  while (!said.starts_with("signal 9 c#1")) {
    said = pod.sleep_and_step();
    if (said == "Readiness c#1") pod.probed("c", ProbeKind::kReadiness, true);
    ASSERT_LE(pod.now.at - asked, 3s);
  }
  EXPECT_EQ(pod.now.at - asked, 3s);  // the probe's own grace
  pod.exited("c", 0, 9);
  EXPECT_EQ(pod.step(), "start c#2");
}

TEST(Decide, WhatProbesFindIsSaidWhenItLasts) {
  PodSimulation pod(R"({"containers":[{"name":"c",
      "startupProbe":{"tcpSocket":{"port":1},"periodSeconds":1,"failureThreshold":100},
      "readinessProbe":{"tcpSocket":{"port":1},"periodSeconds":1}}]})");
  pod.bring_up();
  const auto message = [&] {
    const Json status = pod.status();
    for (const Json& condition : status.at("conditions")) {
      if (condition["type"] == "ContainersReady") return condition.value("message", "");
    }
    return std::string("absent");
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(message(), "containers with unready status: [c]") << i;
    pod.probed("c", ProbeKind::kStartup, false);
    pod.step();
    pod.sleep_and_step();
  }
  EXPECT_EQ(message(), "containers with unready status: [c]; c does not answer yet (refused)");
  pod.probed("c", ProbeKind::kStartup, true);
  pod.step();
  EXPECT_EQ(message(), "containers with unready status: [c]");
  for (int i = 0; i < 3; ++i) {
    pod.probed("c", ProbeKind::kReadiness, false);
    pod.step();
    pod.sleep_and_step();
  }
  EXPECT_EQ(message(), "containers with unready status: [c]; c is not ready (refused)");
  pod.probed("c", ProbeKind::kReadiness, true);
  pod.step();
  EXPECT_EQ(message(), "");
}

TEST(Decide, ThreeFailedStartupProbesRestart) {
  PodSimulation pod(
      R"({"containers":[{"name":"c","startupProbe":{"tcpSocket":{"port":1},"periodSeconds":1}}]})");
  pod.bring_up();
  for (int i = 0; i < 2; ++i) {
    pod.probed("c", ProbeKind::kStartup, false);
    EXPECT_EQ(pod.step(), "");
    EXPECT_EQ(pod.sleep_and_step(), "Startup c#1");
  }
  pod.probed("c", ProbeKind::kStartup, false);
  EXPECT_EQ(pod.step(), "signal 15 c#1");
  EXPECT_EQ(pod.state.events.back().message, "Stopping container c");
}

TEST(Decide, PreStopAndSignalShareOneGracePeriod) {
  const auto make = [] {
    return PodSimulation(
        R"({"containers":[{"name":"c","lifecycle":{"stopSignal":"SIGINT","preStop":{"sleep":{"seconds":5}}}}]})");
  };
  {
    PodSimulation pod = make();
    pod.bring_up();
    deletion_requested(pod.spec, pod.state, 10s, pod.now);
    EXPECT_EQ(pod.step(), "pre-stop c#1 10s");
    pod.advance(5s);
    pre_stop_done(pod.spec, pod.state, 0, 1, Status());
    EXPECT_EQ(pod.step(), "signal 2 c#1");
    EXPECT_EQ(*pod.wake - pod.now.at, 5s);
  }
  {
    PodSimulation pod = make();  // the hook hangs: 2 s are added
    pod.bring_up();
    deletion_requested(pod.spec, pod.state, 10s, pod.now);
    pod.step();
    EXPECT_EQ(pod.sleep_and_step(), "signal 2 c#1");
    EXPECT_EQ(*pod.wake - pod.now.at, 2s);
    EXPECT_EQ(pod.sleep_and_step(), "signal 9 c#1");
  }
  {
    PodSimulation pod = make();  // a later, shorter grace counts
    pod.bring_up();
    deletion_requested(pod.spec, pod.state, 100s, pod.now);
    pod.step();
    deletion_requested(pod.spec, pod.state, 1s, pod.now);
    pod.step();
    EXPECT_EQ(*pod.wake - pod.now.at, 1s);
    deletion_requested(pod.spec, pod.state, 200s, pod.now);
    pod.step();
    EXPECT_EQ(*pod.wake - pod.now.at, 1s);
    deletion_requested(pod.spec, pod.state, 0s, pod.now);
    EXPECT_EQ(pod.step(), "signal 9 c#1");
  }
}

TEST(Decide, PostStartFailureKillsTheContainer) {
  PodSimulation pod(
      R"({"containers":[{"name":"c","lifecycle":{"postStart":{"exec":{"command":["x"]}}},
      "livenessProbe":{"tcpSocket":{"port":1}}}]})");
  pod.step();
  pod.set_up();
  pod.step();
  pod.started("c");
  EXPECT_EQ(pod.step(), "post-start c#1");
  EXPECT_EQ(pod.condition("Ready"), "False ContainersNotReady");
  post_start_done(pod.spec, pod.state, 0, 1, unavailable("exit code 1"), pod.now);
  EXPECT_EQ(pod.step(), "signal 15 c#1");
  pod.exited("c", 0, 15);
  EXPECT_EQ(pod.state.containers[0].ended->reason, "PostStartHookError");
  EXPECT_EQ(pod.step(), "start c#2");
}

TEST(Decide, ActiveDeadlineFailsThePod) {
  PodSimulation pod(
      R"({"activeDeadlineSeconds":60,"terminationGracePeriodSeconds":4,"containers":[{"name":"c"}]})");
  pod.bring_up();
  EXPECT_EQ(pod.sleep_and_step(), "signal 15 c#1");
  EXPECT_EQ(pod.now.at - pod.state.acknowledged.at, 60s);
  EXPECT_EQ(pod.phase(), "Running");
  EXPECT_EQ(pod.sleep_and_step(), "signal 9 c#1");
  pod.exited("c", 0, 9);
  EXPECT_EQ(pod.step(), "release");
  EXPECT_EQ(pod.phase(), "Failed");
  EXPECT_EQ(pod.status()["reason"], "DeadlineExceeded");
  EXPECT_EQ(pod.shown("c"), "terminated DeadlineExceeded 137");
}

TEST(Decide, FailedStartsAndSetUpsAreTriedAgain) {
  PodSimulation pod(R"({"containers":[{"name":"c","image":"nginx:1"}]})");
  pod.step();
  setup_failed(pod.state, "volume v: hostPath /x does not exist", pod.now);
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.status()["containerStatuses"][0]["state"]["waiting"]["message"],
            "volume v: hostPath /x does not exist");
  EXPECT_EQ(pod.sleep_and_step(), "set-up");
  pod.set_up();
  EXPECT_EQ(pod.step(), "start c#1");
  container_start_failed(pod.spec, pod.state, 0, 1, "ErrImagePull", "no nginx here", pod.now);
  EXPECT_EQ(pod.step(), "");
  EXPECT_EQ(pod.shown("c"), "waiting ErrImagePull");
  const TimePoint before = pod.now.at;
  EXPECT_EQ(pod.sleep_and_step(), "start c#2");
  EXPECT_EQ(pod.now.at - before, 10s);
  container_start_failed(pod.spec, pod.state, 0, 2, "ErrImagePull", "no nginx here", pod.now);
  EXPECT_EQ(pod.shown("c"), "waiting ImagePullBackOff");
  EXPECT_EQ(pod.phase(), "Pending");
  EXPECT_EQ(pod.status()["containerStatuses"][0]["restartCount"], 0);
  deletion_requested(pod.spec, pod.state, 30s, pod.now);
  EXPECT_EQ(pod.step(), "release");
}

TEST(Decide, ADeletedPodWaitsForWhatIsUnderWay) {
  PodSimulation pod(R"({"containers":[{"name":"c"}]})");
  pod.step();
  deletion_requested(pod.spec, pod.state, 30s, pod.now);
  EXPECT_EQ(pod.step(), "");  // the set-up has not reported yet
  pod.set_up();
  EXPECT_EQ(pod.step(), "release");

  PodSimulation other(R"({"containers":[{"name":"c"}]})");
  other.step();
  other.set_up();
  other.step();
  deletion_requested(other.spec, other.state, 30s, other.now);
  EXPECT_EQ(other.step(), "");
  other.started("c");
  EXPECT_EQ(other.step(), "signal 15 c#1");
}

TEST(Decide, MessagesOfTheEndSayWhatHappened) {
  PodSimulation pod(
      R"({"restartPolicy":"Never","containers":[{"name":"c","resources":{"limits":{"memory":"64Mi"}}}]})");
  pod.bring_up();
  Exit exit;
  exit.signal = 9;
  exit.out_of_memory = true;
  exit.last_lines = "loading\nallocating 1 GiB\n";
  container_exited(pod.spec, pod.state, 0, 1, exit, pod.now);
  pod.step();
  const Json ended = pod.status()["containerStatuses"][0]["state"]["terminated"];
  EXPECT_EQ(ended["reason"], "OOMKilled");
  EXPECT_EQ(ended["exitCode"], 137);
  EXPECT_EQ(ended["message"],
            "out of memory: the limit is 64Mi; last lines:\nloading\nallocating 1 GiB");
}

}  // namespace
}  // namespace nacelle::control::pod
