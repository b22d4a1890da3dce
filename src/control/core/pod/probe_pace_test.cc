#include "control/core/pod/probe_pace.h"

#include <gtest/gtest.h>

#include "control/core/pod/testing/pod_simulation.h"

namespace nacelle::control::pod {
namespace {

using testing::PodSimulation;

constexpr const char* kServer = R"({"containers":[{"name":"c",
    "startupProbe":{"tcpSocket":{"port":1},"periodSeconds":1},
    "livenessProbe":{"tcpSocket":{"port":1},"periodSeconds":1},
    "readinessProbe":{"tcpSocket":{"port":1},"periodSeconds":1}}]})";

// The wait in milliseconds before the next try of a turn that began now and has just failed; -1:
// none.
std::int64_t wait_ms(PodSimulation& pod, ProbeKind kind) {
  const ProbeTurn turn{0, pod.state.containers[0].attempt, kind, pod.now.at};
  const auto wait = wait_to_probe_again(pod.spec, pod.state, turn, pod.now.at);
  return wait ? *wait / std::chrono::milliseconds(1) : -1;
}

TEST(ProbePace, IsAShareOfTheStartSoFar) {
  PodSimulation pod(kServer);
  pod.bring_up();
  EXPECT_EQ(wait_ms(pod, ProbeKind::kStartup), 4) << "never shorter";
  pod.advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(wait_ms(pod, ProbeKind::kStartup), 30);
  pod.advance(std::chrono::milliseconds(28'500));
  EXPECT_EQ(wait_ms(pod, ProbeKind::kStartup), 600);
  pod.advance(20s);
  EXPECT_EQ(wait_ms(pod, ProbeKind::kStartup), -1) << "a period is soon enough";
}

TEST(ProbePace, ATurnEndsBeforeTheNextOne) {
  PodSimulation pod(kServer);
  pod.bring_up();
  const ProbeTurn turn{0, 1, ProbeKind::kStartup, pod.now.at};
  int tries = 1;
  while (const auto wait = wait_to_probe_again(pod.spec, pod.state, turn, pod.now.at)) {
    pod.advance(*wait);
    ++tries;
    ASSERT_LT(pod.now.at, turn.began + 1s);
    ASSERT_LE(tries, 150);  // 50 of 4 ms, then each a fiftieth longer: some 131
  }
  EXPECT_GT(tries, 50);
}

TEST(ProbePace, OnlyWhatComesUpIsTriedAgain) {
  PodSimulation pod(kServer);
  pod.bring_up();
  EXPECT_EQ(wait_ms(pod, ProbeKind::kLiveness), -1);
  EXPECT_EQ(wait_ms(pod, ProbeKind::kReadiness), 4);
  pod.probed("c", ProbeKind::kStartup, true);
  pod.step();
  pod.probed("c", ProbeKind::kReadiness, true);
  EXPECT_EQ(wait_ms(pod, ProbeKind::kReadiness), -1) << "it was ready";
  const ProbeTurn older{0, 0, ProbeKind::kReadiness, pod.now.at};
  EXPECT_FALSE(wait_to_probe_again(pod.spec, pod.state, older, pod.now.at)) << "an older run";

  PodSimulation ending(kServer);
  ending.bring_up();
  deletion_requested(ending.spec, ending.state, 30s, ending.now);
  EXPECT_EQ(wait_ms(ending, ProbeKind::kStartup), -1);
  PodSimulation exited(kServer);
  exited.bring_up();
  exited.exited("c", 1);
  EXPECT_EQ(wait_ms(exited, ProbeKind::kStartup), -1);
}

TEST(ProbePace, AProgramIsRunOncePerPeriod) {
  PodSimulation pod(R"({"containers":[{"name":"c",
      "startupProbe":{"exec":{"command":["true"]},"periodSeconds":1}}]})");
  pod.bring_up();
  EXPECT_EQ(wait_ms(pod, ProbeKind::kStartup), -1);
}

}  // namespace
}  // namespace nacelle::control::pod
