#include "control/core/pod/pod_spec.h"

#include <gtest/gtest.h>

#include "control/core/pod/pod_state_json.h"
#include "control/core/pod/testing/pod_simulation.h"

namespace nacelle::control::pod {
namespace {

std::string error_of(const std::string& spec) {
  Json object = {{"metadata", {{"name", "p"}, {"uid", "u"}}}, {"spec", Json::parse(spec)}};
  const Result<PodSpec> read = parse_pod(object);
  return read.ok() ? "ok" : read.error().message();
}

TEST(PodSpec, ErrorsNameTheField) {
  struct Row {
    const char* spec;
    const char* error;
  };
  constexpr Row kRows[] = {
      {R"({"containers":[{"name":"c"}]})", "ok"},
      {R"({"containers":[{"name":"c","unknown":{"a":1},"env":null}],"restartPolicy":null})", "ok"},
      {R"({})", "spec.containers must name at least one container"},
      {R"({"containers":{}})", "spec.containers must be a list, got {}"},
      {R"({"containers":["c"]})", "spec.containers[0] must be an object, got \"c\""},
      {R"({"containers":[{"name":7}]})", "spec.containers[0].name must be a string, got 7"},
      {R"({"containers":[{}]})", "spec.containers[0].name is required"},
      {R"({"containers":[{"name":"a/b"}]})",
       "spec.containers[0].name must be a DNS label, got \"a/b\""},
      {R"({"containers":[{"name":"c"},{"name":"c"}]})",
       R"(spec.containers name 'c' twice, got [{"name":"c"},{"name":"c"}])"},
      {R"({"containers":[{"name":"c","ports":[{"containerPort":70000}]}]})",
       "spec.containers[0].ports[0].containerPort must be from 1 to 65535, got 70000"},
      {R"({"containers":[{"name":"c","livenessProbe":{"httpGet":{"path":"/"}}}]})",
       "spec.containers[0].livenessProbe.httpGet.port is required"},
      {R"({"containers":[{"name":"c","livenessProbe":{"tcpSocket":{"port":1},"exec":{"command":["x"]}}}]})",
       R"(spec.containers[0].livenessProbe.exec and another action are given: one is allowed, got {"command":["x"]})"},
      {R"({"containers":[{"name":"c","livenessProbe":{"tcpSocket":{"port":1},"successThreshold":2}}]})",
       "spec.containers[0].livenessProbe.successThreshold must be 1 for startup and liveness "
       "probes, "
       "got 2"},
      {R"({"containers":[{"name":"c","readinessProbe":{}}]})",
       "spec.containers[0].readinessProbe.exec or another action is required"},
      {R"({"containers":[{"name":"c","resources":{"limits":{"cpu":"lots"}}}]})",
       "spec.containers[0].resources.limits.cpu must be a quantity of zero or more, got \"lots\""},
      {R"({"containers":[{"name":"c","volumeMounts":[{"name":"v","mountPath":"/x"}]}]})",
       "spec.volumes have none named 'v', which container 'c' mounts"},
      {R"({"containers":[{"name":"c"}],"volumes":[{"name":"v","configMap":{"name":"m","items":[{"key":"k","path":"../x"}]}}]})",
       "spec.volumes[0].configMap.items[0].path must be a relative path without '..', got "
       "\"../x\""},
      {R"({"containers":[{"name":"c"}],"restartPolicy":"Sometimes"})",
       "spec.restartPolicy must be Always, OnFailure or Never, got \"Sometimes\""},
      {R"({"containers":[{"name":"c"}],"terminationGracePeriodSeconds":1.5})",
       "spec.terminationGracePeriodSeconds must be an integer, got 1.5"},
      {R"({"containers":[{"name":"c","lifecycle":{"stopSignal":"SIGNONE"}}]})",
       "spec.containers[0].lifecycle.stopSignal must be the name of a signal, got \"SIGNONE\""},
  };
  for (const Row& row : kRows) EXPECT_EQ(error_of(row.spec), row.error) << row.spec;
}

TEST(PodSpec, FillsInDefaults) {
  const PodSpec spec = testing::spec_of(R"({"containers":[{"name":"c","image":"a/b:1",
      "resources":{"limits":{"cpu":"2"}},"readinessProbe":{"httpGet":{"port":"web"}}}],"volumes":[{"name":"v"}]})");
  EXPECT_EQ(spec.grace, 30s);
  EXPECT_EQ(spec.restart, RestartPolicy::kAlways);
  EXPECT_EQ(spec.hostname, "p");
  const Container& c = spec.containers[0];
  EXPECT_EQ(c.image_pull_policy, "IfNotPresent");
  EXPECT_EQ(c.requests.at("cpu").value(), 2);
  EXPECT_EQ(c.readiness->period, 10s);
  EXPECT_EQ(c.readiness->timeout, 1s);
  EXPECT_EQ(c.readiness->failure_threshold, 3);
  EXPECT_EQ(std::get<HttpGetAction>(c.readiness->handler).path, "/");
  EXPECT_TRUE(std::holds_alternative<EmptyDirVolume>(spec.volumes[0].source));
  EXPECT_EQ(testing::spec_of(R"({"containers":[{"name":"c","image":"x:5000/a"}]})")
                .containers[0]
                .image_pull_policy,
            "Always");
}

TEST(PodSpec, RequestsAndQualityOfService) {
  const PodSpec spec = testing::spec_of(R"({"initContainers":[
      {"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
      {"name":"i","resources":{"requests":{"cpu":"5"}}}],
      "containers":[{"name":"a","resources":{"requests":{"cpu":"2","memory":"1Gi"}}},{"name":"b","resources":{"requests":{"cpu":"1"}}}]})");
  EXPECT_EQ(pod_requests(spec).at("cpu").value(), 6);  // the init container beside the sidecar
  EXPECT_EQ(pod_requests(spec).at("memory").to_string(), "1Gi");
  EXPECT_EQ(qos_class(spec), "Burstable");
  EXPECT_EQ(qos_class(testing::spec_of(R"({"containers":[{"name":"c"}]})")), "BestEffort");
  EXPECT_EQ(
      qos_class(testing::spec_of(
          R"({"containers":[{"name":"c","resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]})")),
      "Guaranteed");
}

TEST(PodStateJson, ReadsBackAndPutsClocksRight) {
  testing::PodSimulation pod(
      R"({"restartPolicy":"OnFailure","initContainers":[{"name":"i"}],"containers":[{"name":"c",
      "livenessProbe":{"tcpSocket":{"port":1}}}]})");
  pod.step();
  pod.set_up();
  pod.step();
  pod.started("i");
  pod.exited("i", 0);
  pod.step();
  for (int i = 0; i < 3; ++i) {
    pod.started("c");
    pod.exited("c", 1);
    pod.step();
    if (pod.state.containers[1].crash_loop) pod.sleep_and_step();
  }
  pod.started("c");
  pod.exited("c", 1);
  pod.step();
  (void)pod.status();
  ASSERT_TRUE(pod.state.containers[1].crash_loop);
  const Json written = state_to_json(pod.state, pod.now);

  // The machine was off for 15 s and counts from zero again: 25 of 40 s are left.
  const Duration left = *pod.wake - pod.now.at;
  Instant later{TimePoint(std::chrono::seconds(3)), pod.now.wall + std::chrono::seconds(15)};
  Result<PodState> read = state_from_json(written, pod.spec, later);
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  const Decision next = decide(pod.spec, *read, later);
  EXPECT_TRUE(next.actions.empty());
  EXPECT_EQ(*next.wake - later.at, left - 15s);
  EXPECT_EQ(read->containers[1].restarts, pod.state.containers[1].restarts);

  EXPECT_FALSE(state_from_json(Json::object(), pod.spec, later).ok());
  Json other = written;
  other["containers"].erase(0);
  EXPECT_FALSE(state_from_json(other, pod.spec, later).ok());
  other = written;
  other["containers"][0]["phase"] = 9;
  EXPECT_FALSE(state_from_json(other, pod.spec, later).ok());
}

TEST(PodSpec, AmountsAreTextsOrNumbers) {
  EXPECT_EQ(Quantity::from_json(Json(2))->value(), 2);
  EXPECT_EQ(Quantity::from_json(Json(0.25))->milli(), 250);
  EXPECT_EQ(Quantity::from_json(Json("1Ki"))->value(), 1024);
  EXPECT_FALSE(Quantity::from_json(Json(true)).ok());
}

}  // namespace
}  // namespace nacelle::control::pod
