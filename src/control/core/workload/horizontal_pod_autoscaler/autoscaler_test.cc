// The documented algorithm as tables: what one metric asks for, and what the rules make of it.
#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"

#include <gtest/gtest.h>

#include "control/core/workload/horizontal_pod_autoscaler/scaling_rules.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Json J(std::string_view text) { return Json::parse(text); }

Json pod(int number, const char* state) {
  Json out = J(R"({"kind":"Pod","status":{"phase":"Running"},"spec":{"containers":[
    {"name":"app","resources":{"requests":{"cpu":"1","memory":"1Gi"}}},
    {"name":"side","resources":{"requests":{"cpu":"1"}}}]}})");
  out["metadata"]["name"] = "p" + std::to_string(number);
  const std::string_view is = state;
  // Ready long ago unless told otherwise.
  std::int64_t started = kNow - 3600;
  std::int64_t moved = kNow - 3500;
  std::string ready = "True";
  if (is == "starting") started = moved = kNow - 60, ready = "False";
  if (is == "warm") started = kNow - 60, moved = kNow - 10;
  if (is == "fell") ready = "False", moved = kNow - 100;
  if (is == "never") ready = "False", moved = started;
  if (is == "pending") out["status"]["phase"] = "Pending", ready = "False";
  if (is == "failed") out["status"]["phase"] = "Failed", ready = "False";
  if (is == "ending") out["metadata"]["deletionTimestamp"] = kube::timestamp(kNow);
  out["status"]["startTime"] = kube::timestamp(started);
  out["status"]["conditions"] = Json::array(
      {{{"type", "Ready"}, {"status", ready}, {"lastTransitionTime", kube::timestamp(moved)}}});
  return out;
}

struct Fleet {
  std::vector<std::pair<const char*, Milli>> pods;  // state; value in thousandths, -1 for none
  std::int64_t current = 0;                         // 0: as many as pods
  std::int64_t least = 1, most = 100;
  Json behavior;
};

AutoscalerObserved observe(const Fleet& fleet, Json metric, Milli value = 0) {
  AutoscalerObserved out;
  out.now = kNow;
  const std::int64_t current =
      fleet.current != 0 ? fleet.current : static_cast<std::int64_t>(fleet.pods.size());
  out.scale = {{"spec", {{"replicas", current}}}, {"status", {{"replicas", current}}}};
  out.autoscaler = J(R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler",
    "metadata":{"name":"h","namespace":"n"},"spec":{}})");
  out.autoscaler["spec"]["minReplicas"] = fleet.least;
  out.autoscaler["spec"]["maxReplicas"] = fleet.most;
  out.autoscaler["spec"]["metrics"] = Json::array({std::move(metric)});
  if (!fleet.behavior.is_null()) out.autoscaler["spec"]["behavior"] = fleet.behavior;
  MetricReading reading;
  reading.value = value;
  int number = 0;
  for (const auto& [state, used] : fleet.pods) {
    out.pods.push_back(pod(++number, state));
    if (used >= 0) reading.pods["p" + std::to_string(number)] = {used, kNow - 5, 30};
  }
  out.metrics.push_back(std::move(reading));
  return out;
}

// What the metric asks for, without rules in the way.
std::int64_t asked(const Fleet& fleet, Json metric, Milli value = 0) {
  Fleet free = fleet;
  free.behavior = J(R"({"scaleUp":{"policies":[{"type":"Pods","value":1000,"periodSeconds":1}]},
    "scaleDown":{"stabilizationWindowSeconds":0,
                 "policies":[{"type":"Percent","value":100,"periodSeconds":1}]}})");
  const auto observed = observe(free, std::move(metric), value);
  ScaleMemory memory;
  const auto out = decide_autoscaler(observed, memory);
  return out.replicas.value_or(observed.scale["spec"]["replicas"].get<std::int64_t>());
}

const Json kCpu = J(R"({"type":"Resource","resource":{"name":"cpu",
  "target":{"type":"Utilization","averageUtilization":50}}})");
const Json kQueue = J(R"({"type":"Pods","pods":{"metric":{"name":"queue"},
  "target":{"type":"AverageValue","averageValue":"10"}}})");

TEST(Autoscalers, CpuByUtilizationOfRequests) {
  // Each pod requests 2 CPUs; the target is 1 of them.
  struct Row {
    const char* says;
    std::vector<std::pair<const char*, Milli>> pods;
    std::int64_t wants;
  };
  const Row rows[] = {
      {"at the target nothing changes", {{"ready", 1000}, {"ready", 1000}}, 2},
      {"10 % above is within the tolerance", {{"ready", 1100}, {"ready", 1100}}, 2},
      {"12 % above is not", {{"ready", 1120}, {"ready", 1120}}, 3},
      {"10 % below is", {{"ready", 900}, {"ready", 900}}, 2},
      {"twice the target doubles", {{"ready", 2000}, {"ready", 2000}}, 4},
      {"half the target halves",
       {{"ready", 500}, {"ready", 500}, {"ready", 500}, {"ready", 500}},
       2},
      {"the average counts", {{"ready", 2000}, {"ready", 0}, {"ready", 1000}}, 3},
      {"nothing used leaves the least", {{"ready", 0}, {"ready", 0}}, 1},
      {"pods that fail or end count nowhere", {{"ready", 2000}, {"failed", 0}, {"ending", 0}}, 2},
      {"a starting pod is taken to use nothing when it goes up",
       {{"ready", 3000}, {"starting", 9000}},
       3},
      {"so it can turn a rise into none", {{"ready", 1500}, {"starting", 0}}, 2},
      {"a pending pod, too", {{"ready", 3000}, {"pending", -1}}, 3},
      {"when it goes down, starting pods do not count", {{"ready", 200}, {"starting", 0}}, 1},
      {"a pod ready for less than a window counts as starting",
       {{"ready", 3000}, {"warm", 9000}},
       3},
      {"one that fell out of ready after it was ready counts",
       {{"ready", 2000}, {"fell", 2000}},
       4},
      {"one that never was ready does not", {{"ready", 4000}, {"never", 4000}}, 4},
      {"a missing value is 0 when it goes up", {{"ready", 4000}, {"ready", -1}}, 4},
      {"and the whole request when it goes down",
       {{"ready", 0}, {"ready", 0}, {"ready", 0}, {"ready", -1}},
       2},
      {"so it can turn a fall into none", {{"ready", 500}, {"ready", -1}}, 2},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(asked({.pods = row.pods, .behavior = {}}, kCpu), row.wants) << row.says;
  }
}

TEST(Autoscalers, OtherKindsOfMetrics) {
  const Fleet two{.pods = {{"ready", 30'000}, {"ready", 10'000}}, .behavior = {}};
  EXPECT_EQ(asked(two, kQueue), 4) << "20 per pod, 10 wanted";
  const Fleet half{.pods = {{"ready", 30'000}, {"starting", 30'000}}, .behavior = {}};
  EXPECT_EQ(asked(half, kQueue), 6) << "readiness matters for CPU only";
  const Json memory = J(R"({"type":"Resource","resource":{"name":"memory",
    "target":{"type":"AverageValue","averageValue":"512Mi"}}})");
  const Milli gib = Milli{1} << 30;
  EXPECT_EQ(asked({.pods = {{"ready", gib * 1000}}, .behavior = {}}, memory), 2);
  const Json app = J(R"({"type":"ContainerResource","containerResource":{"name":"cpu",
    "container":"app","target":{"type":"Utilization","averageUtilization":50}}})");
  EXPECT_EQ(asked({.pods = {{"ready", 1000}}, .behavior = {}}, app), 2) << "of that one's request";

  const Json total = J(R"({"type":"External","external":{"metric":{"name":"q"},
    "target":{"type":"Value","value":"100"}}})");
  EXPECT_EQ(asked(two, total, 200'000), 4) << "twice the value, twice the ready pods";
  EXPECT_EQ(asked(two, total, 105'000), 2);
  const Json each = J(R"({"type":"External","external":{"metric":{"name":"q"},
    "target":{"type":"AverageValue","averageValue":"30"}}})");
  EXPECT_EQ(asked(two, each, 200'000), 7) << "200 / 30";
  EXPECT_EQ(asked(two, each, 60'000), 2);
  const Json object = J(R"({"type":"Object","object":{"metric":{"name":"q"},
    "describedObject":{"kind":"Service","name":"s"},"target":{"type":"Value","value":"50"}}})");
  EXPECT_EQ(asked(two, object, 100'000), 4);
}

std::string reason(const AutoscalerDecision& out, std::string_view type) {
  for (const Action& action : out.decision.actions) {
    const auto* write = std::get_if<UpdateStatus>(&action);
    if (write == nullptr) continue;
    for (const Json& each : write->object["status"]["conditions"]) {
      if (each["type"] == type) {
        return each["status"].get<std::string>() + " " + each["reason"].get<std::string>();
      }
    }
  }
  return "absent";
}

TEST(Autoscalers, MissingMetricsTakeNothingAway) {
  auto observed = observe({.pods = {{"ready", 0}, {"ready", 0}}, .behavior = {}}, kQueue);
  observed.autoscaler["spec"]["metrics"].push_back(kCpu);
  observed.metrics.push_back({.error = "no metrics known for pod", .pods = {}});
  ScaleMemory memory;
  const auto out = decide_autoscaler(observed, memory);
  EXPECT_FALSE(out.replicas);
  EXPECT_EQ(reason(out, "ScalingActive"), "False FailedGetResourceMetric");
  observed.metrics[0].pods["p1"].value = 90'000;
  const auto up = decide_autoscaler(observed, memory);
  EXPECT_EQ(up.replicas, 4) << "up is allowed";
  EXPECT_EQ(reason(up, "ScalingActive"), "True ValidMetricFound");
  observed.metrics[0].error = "gone";
  const auto none = decide_autoscaler(observed, memory);
  EXPECT_FALSE(none.replicas);
  EXPECT_EQ(reason(none, "ScalingActive"), "False FailedGetPodsMetric");
}

TEST(Autoscalers, ARequestThatIsMissingIsNamed) {
  auto observed = observe({.pods = {{"ready", 100}}, .behavior = {}}, kCpu);
  observed.pods[0]["spec"]["containers"][1].erase("resources");
  ScaleMemory memory;
  const auto out = decide_autoscaler(observed, memory);
  const auto& event = std::get<RecordEvent>(out.decision.actions[0]);
  EXPECT_EQ(event.message,
            "the HPA was unable to compute the replica count: missing request for cpu in container "
            "side of Pod p1");
}

TEST(Autoscalers, TheLargestMetricWins) {
  auto observed = observe({.pods = {{"ready", 20'000}, {"ready", 20'000}}, .behavior = {}}, kQueue);
  observed.autoscaler["spec"]["metrics"].push_back(kCpu);
  observed.metrics.push_back({.error = "", .pods = {{"p1", {1500, 0, 0}}, {"p2", {1500, 0, 0}}}});
  ScaleMemory memory;
  const auto out = decide_autoscaler(observed, memory);
  EXPECT_EQ(out.replicas, 4);
  EXPECT_EQ(std::get<RecordEvent>(out.decision.actions[0]).message,
            "New size: 4; reason: pods metric queue above target");
}

TEST(Autoscalers, LimitsAndWhatTheySay) {
  const auto decide = [](Fleet fleet, Milli each) {
    for (auto& [state, value] : fleet.pods) value = each;
    ScaleMemory memory;
    return decide_autoscaler(observe(fleet, kQueue), memory);
  };
  const std::vector<std::pair<const char*, Milli>> three(3, {"ready", 0});
  auto out = decide({.pods = three, .most = 5, .behavior = {}}, 100'000);
  EXPECT_EQ(out.replicas, 5);
  EXPECT_EQ(reason(out, "ScalingLimited"), "True TooManyReplicas");
  EXPECT_EQ(reason(out, "AbleToScale"), "True SucceededRescale");
  out = decide({.pods = three, .behavior = {}}, 100'000);
  EXPECT_EQ(out.replicas, 6) << "twice, when nothing else is said";
  EXPECT_EQ(reason(out, "ScalingLimited"), "True ScaleUpLimit");
  out = decide({.pods = three, .most = 2, .behavior = {}}, 10'000);
  EXPECT_EQ(out.replicas, 2) << "above the most at once";
  out = decide({.pods = three, .least = 7, .behavior = {}}, 10'000);
  EXPECT_EQ(out.replicas, 7);
  out = decide({.pods = three, .behavior = {}}, 0);
  EXPECT_FALSE(out.replicas) << "it stood at three a moment ago";
  EXPECT_EQ(reason(out, "AbleToScale"), "True ScaleDownStabilized");
  out = decide({.pods = three, .least = 2, .behavior = J(R"({"scaleDown":
    {"stabilizationWindowSeconds":0}})")},
               0);
  EXPECT_EQ(out.replicas, 2);
  EXPECT_EQ(reason(out, "ScalingLimited"), "True TooFewReplicas");
  EXPECT_EQ(reason(decide({.pods = three, .behavior = {}}, 10'000), "ScalingLimited"),
            "False DesiredWithinRange");
}

TEST(Autoscalers, ZeroIsOff) {
  auto observed = observe({.pods = {}, .behavior = {}}, kQueue);
  ScaleMemory memory;
  auto out = decide_autoscaler(observed, memory);
  EXPECT_FALSE(out.replicas);
  EXPECT_EQ(reason(out, "ScalingActive"), "False ScalingDisabled");
  const Json external = J(R"({"type":"External","external":{"metric":{"name":"q"},
    "target":{"type":"AverageValue","averageValue":"10"}}})");
  observed = observe({.pods = {}, .least = 0, .behavior = {}}, external, 25'000);
  out = decide_autoscaler(observed, memory);
  EXPECT_EQ(out.replicas, 3) << "from zero when zero is allowed";
}

TEST(Autoscalers, AScaleThatCannotBeReadIsSaidOnce) {
  auto observed = observe({.pods = {{"ready", 0}}, .behavior = {}}, kQueue);
  observed.scale = nullptr;
  observed.scale_error = "deployments.apps \"x\" not found";
  ScaleMemory memory;
  auto out = decide_autoscaler(observed, memory);
  EXPECT_EQ(reason(out, "AbleToScale"), "False FailedGetScale");
  EXPECT_EQ(out.decision.actions.size(), 2U);
  observed.autoscaler = std::get<UpdateStatus>(out.decision.actions[1]).object;
  out = decide_autoscaler(observed, memory);
  EXPECT_TRUE(out.decision.actions.empty());
  EXPECT_EQ(out.decision.look_again_in, kAutoscalePeriod);
}

TEST(Autoscalers, ASettledOneWritesNothing) {
  auto observed = observe({.pods = {{"ready", 10'000}}, .behavior = {}}, kQueue);
  ScaleMemory memory;
  auto out = decide_autoscaler(observed, memory);
  ASSERT_EQ(out.decision.actions.size(), 1U);
  observed.autoscaler = std::get<UpdateStatus>(out.decision.actions[0]).object;
  EXPECT_EQ(observed.autoscaler["status"]["currentMetrics"],
            J(R"([{"type":"Pods","pods":{"metric":{"name":"queue"},
                   "current":{"averageValue":"10"}}}])"));
  for (int i = 0; i < 5; ++i) {
    observed.now += 15;
    EXPECT_TRUE(decide_autoscaler(observed, memory).decision.actions.empty());
  }
}

// One recommendation after the other: seconds, what is recommended, what comes out.
struct Step {
  std::int64_t at, asked, gives;
};
void expect_steps(const Json& behavior, std::int64_t start, const std::vector<Step>& steps,
                  std::int64_t most = 1000) {
  ScaleMemory memory;
  std::int64_t current = start;
  for (const Step& step : steps) {
    const Ruled ruled = rule(behavior, step.asked, {current, 1, most}, kNow + step.at, memory);
    EXPECT_EQ(ruled.replicas, step.gives) << "at " << step.at << " s";
    remember_scale(memory, current, ruled.replicas, kNow + step.at);
    current = ruled.replicas;
  }
}

TEST(ScalingRules, DownWaitsForTheHighestOfFiveMinutes) {
  expect_steps(nullptr, 10,
               {{0, 10, 10}, {15, 4, 10}, {150, 8, 10}, {300, 5, 8}, {449, 5, 8}, {450, 2, 5}});
}

TEST(ScalingRules, UpWaitsForTheLowestOfItsWindow) {
  const Json behavior = J(R"({"scaleUp":{"stabilizationWindowSeconds":60}})");
  expect_steps(behavior, 4, {{0, 4, 4}, {15, 8, 4}, {45, 6, 4}, {60, 7, 6}, {120, 9, 9}});
}

TEST(ScalingRules, Policies) {
  const auto up = [](const char* text) {
    return Json{{"scaleUp", J(text)}, {"scaleDown", {{"stabilizationWindowSeconds", 0}}}};
  };
  // By default the larger of four pods and 100 % in 15 s.
  expect_steps(J("{}"), 2, {{0, 50, 6}, {15, 50, 12}, {30, 50, 24}});
  expect_steps(up(R"({"policies":[{"type":"Pods","value":2,"periodSeconds":60}]})"), 2,
               {{0, 50, 4}, {30, 50, 4}, {60, 50, 6}});
  expect_steps(up(R"({"policies":[{"type":"Percent","value":10,"periodSeconds":60}]})"), 15,
               {{0, 50, 17}, {60, 50, 19}});
  const char* both = R"({"selectPolicy":"Min","policies":[
    {"type":"Pods","value":4,"periodSeconds":60},{"type":"Percent","value":10,"periodSeconds":60}]})";
  expect_steps(up(both), 20, {{0, 50, 22}});
  expect_steps(up(R"({"selectPolicy":"Disabled"})"), 5, {{0, 50, 5}});
  const auto down = [](const char* text) {
    Json rules = J(text);
    rules["stabilizationWindowSeconds"] = 0;
    return Json{{"scaleDown", rules}};
  };
  expect_steps(down("{}"), 80, {{0, 1, 1}});
  expect_steps(down(R"({"policies":[{"type":"Percent","value":10,"periodSeconds":60}]})"), 80,
               {{0, 10, 72}, {30, 10, 72}, {60, 10, 64}});
  const char* slow = R"({"selectPolicy":"Min","policies":[
    {"type":"Pods","value":5,"periodSeconds":60},{"type":"Percent","value":10,"periodSeconds":60}]})";
  expect_steps(down(slow), 80, {{0, 10, 75}});
  expect_steps(down(slow), 20, {{0, 10, 18}});
  expect_steps(down(R"({"selectPolicy":"Disabled"})"), 20, {{0, 10, 20}});
  // What was taken away in the period makes room to come back.
  expect_steps(
      Json{{"scaleUp", J(R"({"policies":[{"type":"Pods","value":1,"periodSeconds":60}]})")},
           {"scaleDown", {{"stabilizationWindowSeconds", 0}}}},
      10, {{0, 4, 4}, {10, 20, 11}});
}

TEST(ScalingRules, MemoryIsBounded) {
  ScaleMemory memory;
  for (int i = 0; i < 10'000; ++i) (void)rule(nullptr, 5, {5, 1, 9}, kNow + i * 15, memory);
  EXPECT_LE(memory.recommendations.size(), 3600U / 15 + 2);
}

}  // namespace
}  // namespace nacelle::control::workload
