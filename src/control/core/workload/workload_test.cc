// The built-in controllers together: from any interleaving, and a crash after any action, the end
// is the same and writes nothing. Then each by its tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "control/core/children.h"
#include "control/core/workload/deployment/deployment.h"
#include "control/core/workload/deployment/rollout.h"
#include "control/core/workload/endpoint_slice/endpoint_slice.h"
#include "control/core/workload/garbage_collector/garbage_collector.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/pod_state.h"
#include "control/core/workload/replica_set/replica_set.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

Json J(std::string_view text) { return Json::parse(text); }

// A namespace that carries actions out as an API server and a node agent would.
class World {
 public:
  std::int64_t now = 1'800'000'000;
  bool nodes_work = true;
  int writes = 0;

  Json& add(Json object) {
    Json& metadata = object["metadata"];
    metadata["uid"] = "uid-" + std::to_string(++uids_);
    metadata["namespace"] = "n";
    metadata["generation"] = 1;
    metadata["creationTimestamp"] = kube::timestamp(now);
    objects_.push_back(std::move(object));
    return objects_.back();
  }

  std::vector<Json> of(std::string_view kind) const {
    std::vector<Json> out;
    for (const Json& object : objects_) {
      if (object["kind"] == kind) out.push_back(object);
    }
    return out;
  }

  Json* find(std::string_view kind, const std::string& name) {
    for (Json& object : objects_) {
      if (object["kind"] == kind && object["metadata"]["name"] == name) return &object;
    }
    return nullptr;
  }

  void carry_out(const Action& action) {
    if (std::holds_alternative<RecordEvent>(action)) return;
    ++writes;
    if (const auto* create = std::get_if<Create>(&action)) {
      const Target target = target_of(create->object);
      if (find(target.kind, target.name) == nullptr) add(create->object);
    } else if (const auto* update = std::get_if<Update>(&action)) {
      write(update->object, false);
    } else if (const auto* status = std::get_if<UpdateStatus>(&action)) {
      write(status->object, true);
    } else if (const auto* removal = std::get_if<Delete>(&action)) {
      remove(*removal);
    }
  }

  // Everything a node does in one moment: pods run, become ready, end.
  void run_nodes() {
    int address = 1;
    for (Json& object : objects_) {
      if (object["kind"] != "Pod") continue;
      ++address;
      if (kube::is_being_deleted(object)) continue;
      object["spec"]["nodeName"] = "node";
      object["status"]["podIP"] = "127.1.0." + std::to_string(address);
      const std::string image = object["spec"]["containers"][0]["image"];
      const bool works = nodes_work && image != "broken";
      object["status"]["phase"] = works ? "Running" : "Pending";
      if (kube::is_ready(object) == works) continue;
      object["status"]["conditions"] =
          Json::array({{{"type", "Ready"},
                        {"status", works ? "True" : "False"},
                        {"lastTransitionTime", kube::timestamp(now)}}});
    }
    std::erase_if(objects_, [](const Json& object) {
      return object["kind"] == "Pod" && kube::is_being_deleted(object);
    });
  }

  // One decision per controller and object, in a fixed order.
  std::vector<std::function<Decision()>> deciders() {
    std::vector<std::function<Decision()>> out;
    for (const Json& deployment : of("Deployment")) {
      out.push_back([this, name = std::string(deployment["metadata"]["name"])] {
        const Json* object = find("Deployment", name);
        return object ? decide_deployment({*object, of("ReplicaSet"), now}) : Decision{};
      });
    }
    for (const Json& set : of("ReplicaSet")) {
      out.push_back([this, name = std::string(set["metadata"]["name"])] {
        const Json* object = find("ReplicaSet", name);
        return object ? decide_replica_set({*object, of("Pod"), now, ""}) : Decision{};
      });
    }
    for (const Json& service : of("Service")) {
      out.push_back([this, name = std::string(service["metadata"]["name"])] {
        const Json* object = find("Service", name);
        return object ? decide_endpoint_slices({*object, of("Pod"), of("EndpointSlice")})
                      : Decision{};
      });
    }
    out.push_back([this] {
      return collect_garbage(
          {objects_, {"apps/Deployment", "apps/ReplicaSet", "/Service", "/Pod"}});
    });
    return out;
  }

  void settle() {
    for (int round = 0; round < 500; ++round) {
      run_nodes();
      bool quiet = true;
      for (const auto& decide : deciders()) {
        const Decision decision = decide();
        for (const Action& action : decision.actions) carry_out(action);
        quiet = quiet && decision.actions.empty();
      }
      if (quiet) return;
      ++now;
    }
    FAIL() << "does not settle: " << Json(objects_).dump(1);
  }

  // Random controllers, each stopped after a random number of its actions.
  void stumble(std::mt19937& random, int steps) {
    for (int step = 0; step < steps; ++step) {
      auto all = deciders();
      const Decision decision = all[random() % all.size()]();
      const std::size_t done = random() % (decision.actions.size() + 1);
      for (std::size_t i = 0; i < done; ++i) carry_out(decision.actions[i]);
      if (random() % 3 == 0) run_nodes();
      now += random() % 2;
    }
  }

  // What must be the same in the end, whatever the names.
  std::multiset<std::string> essence() const {
    std::multiset<std::string> out;
    for (const Json& object : objects_) {
      const std::string kind = object["kind"];
      if (kind == "Deployment" || kind == "ReplicaSet") {
        Json status = object.value("status", Json::object());
        status.erase("conditions");
        status.erase("observedGeneration");
        out.insert(kind + " " + object["metadata"]["name"].get<std::string>() + " " +
                   object["spec"]["replicas"].dump() + " " + status.dump());
      } else if (kind == "Pod") {
        const std::string owner = object["metadata"]["ownerReferences"][0]["name"];
        out.insert("Pod of " + owner + " " + object["spec"].dump());
      } else if (kind == "EndpointSlice") {
        out.insert("EndpointSlice of " + std::to_string(object["endpoints"].size()));
      }
    }
    return out;
  }

  std::string condition(const std::string& deployment, std::string_view type, const char* field) {
    for (const Json& each : (*find("Deployment", deployment))["status"]["conditions"]) {
      if (each["type"] == type) return each[field];
    }
    return "absent";
  }

  std::vector<Json> objects_;

 private:
  void write(const Json& object, bool status) {
    Json* stored = find(kube::text_at(object, {"kind"}), object["metadata"]["name"]);
    if (stored == nullptr) return;
    if (status) {
      (*stored)["status"] = object["status"];
      return;
    }
    const Json old_spec = stored->value("spec", Json());
    const Json kept = stored->value("status", Json());
    const auto generation = (*stored)["metadata"]["generation"].get<int>();
    *stored = object;
    if (!kept.is_null()) (*stored)["status"] = kept;
    const bool changed = stored->value("spec", Json()) != old_spec;
    (*stored)["metadata"]["generation"] = generation + (changed ? 1 : 0);
    const Json finalizers = (*stored)["metadata"].value("finalizers", Json::array());
    if (kube::is_being_deleted(*stored) && finalizers.empty()) erase(*stored);
  }

  void remove(const Delete& removal) {
    Json* stored = find(removal.target.kind, removal.target.name);
    if (stored == nullptr || (*stored)["metadata"]["uid"] != removal.uid) return;
    if (removal.propagation == Propagation::kForeground) {
      (*stored)["metadata"]["finalizers"].push_back("foregroundDeletion");
    }
    const bool waits = removal.target.kind == "Pod" || (*stored)["metadata"].contains("finalizers");
    if (waits)
      (*stored)["metadata"]["deletionTimestamp"] = kube::timestamp(now);
    else
      erase(*stored);
  }

  void erase(const Json& object) {
    const Json uid = object["metadata"]["uid"];
    std::erase_if(objects_, [&](const Json& each) { return each["metadata"]["uid"] == uid; });
  }

  int uids_ = 0;
};

Json web(int replicas, const char* image = "one") {
  Json out = J(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{
    "selector":{"matchLabels":{"app":"web"}},"progressDeadlineSeconds":60,"revisionHistoryLimit":2,
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c"}]}}}})");
  out["spec"]["replicas"] = replicas;
  out["spec"]["template"]["spec"]["containers"][0]["image"] = image;
  return out;
}

const char* kService = R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{
  "selector":{"app":"web"},"ports":[{"port":80,"targetPort":8000}]}})";

void set_image(World& world, const char* image) {
  Json& deployment = *world.find("Deployment", "web");
  deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image;
  deployment["metadata"]["generation"] = deployment["metadata"]["generation"].get<int>() + 1;
}

TEST(Workloads, TheSameEndFromAnyInterleavingAndCrash) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const int replicas = static_cast<int>(random() % 6);
    const auto story = [&](bool stumbles) {
      std::mt19937 dice(seed);
      World world;
      world.add(web(replicas));
      world.add(J(kService));
      if (stumbles) world.stumble(dice, 25);
      world.settle();
      set_image(world, "two");
      if (stumbles) world.stumble(dice, 40);
      (*world.find("Deployment", "web"))["spec"]["replicas"] = replicas + 1;
      if (stumbles) world.stumble(dice, 10);
      world.settle();
      return world;
    };
    World calm = story(false);
    World wild = story(true);
    ASSERT_EQ(wild.essence(), calm.essence()) << "seed " << seed;
    wild.writes = 0;
    wild.settle();
    ASSERT_EQ(wild.writes, 0) << "seed " << seed;
  }
}

TEST(Workloads, ARolloutKeepsEnoughAvailable) {
  World world;
  world.add(web(4));
  world.settle();
  set_image(world, "two");
  for (int step = 0; step < 100; ++step) {
    world.run_nodes();
    int available = 0;
    for (const Json& pod : world.of("Pod")) available += is_active(pod) && kube::is_ready(pod);
    ASSERT_GE(available, 3) << "25 % of 4";
    int all = 0;
    for (const Json& set : world.of("ReplicaSet")) all += set["spec"]["replicas"].get<int>();
    ASSERT_LE(all, 5);
    for (const auto& decide : world.deciders()) {
      for (const Action& action : decide().actions) world.carry_out(action);
    }
  }
  EXPECT_EQ(world.condition("web", "Progressing", "reason"), "NewReplicaSetAvailable");
  EXPECT_EQ((*world.find("Deployment", "web"))["metadata"]["annotations"][std::string(kRevision)],
            "2");
}

TEST(Workloads, ABrokenRolloutStopsAtItsDeadlineAndGoesBack) {
  World world;
  world.add(web(4));
  world.settle();
  set_image(world, "broken");
  world.settle();
  EXPECT_EQ(world.condition("web", "Progressing", "status"), "True");
  world.now += 120;
  world.settle();
  EXPECT_EQ(world.condition("web", "Progressing", "reason"), "ProgressDeadlineExceeded");
  EXPECT_EQ(world.condition("web", "Available", "status"), "True") << "old pods answer";
  const auto back =
      rollback_to({*world.find("Deployment", "web"), world.of("ReplicaSet"), world.now}, 0);
  ASSERT_TRUE(back.ok());
  (*world.find("Deployment", "web"))["spec"] = (*back)["spec"];
  world.settle();
  EXPECT_EQ(world.condition("web", "Progressing", "reason"), "NewReplicaSetAvailable");
  EXPECT_EQ((*world.find("Deployment", "web"))["metadata"]["annotations"][std::string(kRevision)],
            "3")
      << "the old set has a new number";
  EXPECT_EQ(world.of("ReplicaSet").size(), 2U);
  EXPECT_EQ(
      rollback_to({*world.find("Deployment", "web"), world.of("ReplicaSet"), 0}, 9).error().code(),
      Code::kNotFound);
}

TEST(Workloads, HistoryIsLimited) {
  World world;
  world.add(web(1));
  for (const char* image : {"a", "b", "c", "d", "e"}) {
    world.settle();
    set_image(world, image);
  }
  world.settle();
  EXPECT_EQ(world.of("ReplicaSet").size(), 3U) << "the newest and two";
}

TEST(Workloads, RecreateHasNoTwoVersionsAtOnce) {
  World world;
  Json& deployment = world.add(web(3));
  deployment["spec"]["strategy"]["type"] = "Recreate";
  world.settle();
  set_image(world, "two");
  for (int step = 0; step < 60; ++step) {
    std::set<std::string> images;
    for (const Json& pod : world.of("Pod")) images.insert(pod["spec"]["containers"][0]["image"]);
    ASSERT_LE(images.size(), 1U);
    for (const auto& decide : world.deciders()) {
      for (const Action& action : decide().actions) world.carry_out(action);
    }
    if (step % 4 == 3) world.run_nodes();
  }
  world.settle();
  EXPECT_EQ(world.of("Pod").size(), 3U);
}

TEST(Workloads, PausedOnesDoNotRoll) {
  World world;
  world.add(web(2));
  world.settle();
  (*world.find("Deployment", "web"))["spec"]["paused"] = true;
  set_image(world, "two");
  world.settle();
  EXPECT_EQ(world.of("ReplicaSet").size(), 1U);
  EXPECT_EQ(world.condition("web", "Progressing", "reason"), "DeploymentPaused");
  (*world.find("Deployment", "web"))["spec"]["paused"] = false;
  world.settle();
  EXPECT_EQ(world.of("ReplicaSet").size(), 2U);
}

TEST(Workloads, DeletedOwnersTakeTheirDependentsAlong) {
  World world;
  world.add(web(3));
  world.settle();
  const Json deployment = *world.find("Deployment", "web");
  world.carry_out(
      Delete{target_of(deployment), deployment["metadata"]["uid"], Propagation::kForeground});
  EXPECT_NE(world.find("Deployment", "web"), nullptr) << "it waits for its dependents";
  world.settle();
  EXPECT_TRUE(world.objects_.empty()) << Json(world.objects_).dump(1);

  world.add(web(3));
  world.settle();
  const Json again = *world.find("Deployment", "web");
  Json& orphaning = *world.find("Deployment", "web");
  orphaning["metadata"]["finalizers"] = {"orphan"};
  orphaning["metadata"]["deletionTimestamp"] = kube::timestamp(world.now);
  world.settle();
  EXPECT_EQ(world.find("Deployment", "web"), nullptr);
  EXPECT_EQ(world.of("Pod").size(), 3U);
  EXPECT_EQ(controller_of(world.of("ReplicaSet")[0]), "");
  world.add(web(3));
  world.settle();
  EXPECT_EQ(world.of("ReplicaSet").size(), 1U) << "a new one takes it in";
}

TEST(Workloads, AnUnknownKindOfOwnerIsNotGone) {
  World world;
  Json& pod =
      world.add(J(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","ownerReferences":
    [{"apiVersion":"x/v1","kind":"X","name":"x","uid":"u"}]},"spec":{"containers":[{"image":"i"}]}})"));
  EXPECT_TRUE(collect_garbage({{pod}, {"/Pod"}}).actions.empty());
  EXPECT_EQ(collect_garbage({{pod}, {"/Pod", "x/X"}}).actions.size(), 1U);
  pod["metadata"]["ownerReferences"].push_back(
      {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "p"}, {"uid", pod["metadata"]["uid"]}});
  const Decision some = collect_garbage({{pod}, {"/Pod", "x/X"}});
  ASSERT_EQ(some.actions.size(), 1U);
  EXPECT_EQ(std::get<Update>(some.actions[0]).object["metadata"]["ownerReferences"].size(), 1U)
      << "one of two lives";
}

TEST(ReplicaSets, BatchesDoubleAndFailuresShow) {
  Json set =
      J(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"r","namespace":"n",
    "uid":"u","generation":1},"spec":{"replicas":10,"selector":{"matchLabels":{"a":"b"}},
    "template":{"metadata":{"labels":{"a":"b"}},"spec":{}}}})");
  ReplicaSetObserved observed{set, {}, 0, ""};
  std::vector<std::size_t> batches;
  while (true) {
    std::size_t made = 0;
    for (const Action& action : decide_replica_set(observed).actions) {
      if (const auto* create = std::get_if<Create>(&action)) {
        observed.pods.push_back(create->object);
        ++made;
      }
    }
    if (made == 0) break;
    batches.push_back(made);
  }
  EXPECT_EQ(batches, (std::vector<std::size_t>{1, 1, 2, 4, 2}));
  const auto twice = decide_replica_set({set, {}, 0, ""}).actions;
  EXPECT_EQ(twice, decide_replica_set({set, {}, 0, ""}).actions) << "the same names again";
  const Decision failed = decide_replica_set({set, {}, 0, "quota exceeded"});
  const Json status = std::get<UpdateStatus>(failed.actions.back()).object["status"];
  EXPECT_EQ(status["conditions"][0]["reason"], "FailedCreate");
  EXPECT_EQ(status["conditions"][0]["message"], "quota exceeded");
}

TEST(ReplicaSets, WhoGoesFirst) {
  const auto pod = [](const char* name, const char* more) {
    Json out =
        J(R"({"metadata":{"annotations":{}},"spec":{"nodeName":"n"},"status":{"phase":"Running",
      "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
    out["metadata"]["name"] = name;
    out.merge_patch(Json::parse(more));
    return out;
  };
  const Json usual = pod("m", "{}");
  for (const char* first :
       {R"({"spec":{"nodeName":null}})", R"({"status":{"phase":"Pending"}})",
        R"({"status":{"conditions":[]}})",
        R"({"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1"}}})",
        R"({"status":{"containerStatuses":[{"restartCount":3}]}})",
        R"({"metadata":{"creationTimestamp":"2026-02-01T00:00:00Z"}})"}) {
    EXPECT_TRUE(goes_before(pod("z", first), 1, usual, 1)) << first;
    EXPECT_FALSE(goes_before(usual, 1, pod("z", first), 1)) << first;
  }
  EXPECT_TRUE(goes_before(usual, 2, usual, 1)) << "more siblings on its node";
}

TEST(ReplicaSets, MinReadySecondsDelayAvailability) {
  Json set = J(R"({"kind":"ReplicaSet","metadata":{"name":"r","uid":"u"},"spec":{"replicas":1,
    "minReadySeconds":10,"selector":{"matchLabels":{"a":"b"}},"template":{}}})");
  const std::int64_t start = *kube::parse_timestamp("2026-01-01T00:00:00Z");
  const Json pod = J(R"({"kind":"Pod","metadata":{"name":"p","labels":{"a":"b"},"ownerReferences":
    [{"uid":"u","controller":true}]},"status":{"conditions":[{"type":"Ready","status":"True",
    "lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
  const Decision early = decide_replica_set({set, {pod}, start + 4, ""});
  EXPECT_EQ(early.look_again_in, std::chrono::seconds(6));
  EXPECT_FALSE(
      std::get<UpdateStatus>(early.actions[0]).object["status"].contains("availableReplicas"));
  const Decision late = decide_replica_set({set, {pod}, start + 10, ""});
  EXPECT_EQ(std::get<UpdateStatus>(late.actions[0]).object["status"]["availableReplicas"], 1);
}

TEST(Rollouts, Limits) {
  const auto limits = [](const char* rolling, std::int64_t replicas) {
    const auto out =
        rollout_limits({{"spec", {{"strategy", {{"rollingUpdate", J(rolling)}}}}}}, replicas);
    return std::pair(out.surge, out.unavailable);
  };
  EXPECT_EQ(limits("{}", 4), std::pair(1L, 1L));
  EXPECT_EQ(limits("{}", 1), std::pair(1L, 0L));
  EXPECT_EQ(limits(R"({"maxSurge":"30%","maxUnavailable":"30%"})", 5), std::pair(2L, 1L));
  EXPECT_EQ(limits(R"({"maxSurge":0,"maxUnavailable":0})", 5), std::pair(0L, 1L));
}

TEST(EndpointSlices, StayWhereTheyAre) {
  EndpointSliceObserved observed{J(kService), {}, {}};
  observed.service["metadata"]["uid"] = "s";
  observed.service["metadata"]["namespace"] = "n";
  for (int i = 0; i < 250; ++i) {
    Json pod = J(R"({"kind":"Pod","metadata":{"labels":{"app":"web"}},"status":{"conditions":
      [{"type":"Ready","status":"True"}]}})");
    pod["metadata"]["name"] = "p" + std::to_string(i);
    pod["metadata"]["uid"] = "u" + std::to_string(1000 + i);
    pod["status"]["podIP"] = "127.0.1." + std::to_string(i);
    observed.pods.push_back(pod);
  }
  const auto carry_out = [&] {
    const Decision decision = decide_endpoint_slices(observed);
    for (const Action& action : decision.actions) {
      if (const auto* create = std::get_if<Create>(&action))
        observed.slices.push_back(create->object);
      if (const auto* update = std::get_if<Update>(&action)) {
        for (Json& slice : observed.slices) {
          if (target_of(slice) == target_of(update->object)) slice = update->object;
        }
      }
      if (const auto* removal = std::get_if<Delete>(&action)) {
        std::erase_if(observed.slices,
                      [&](const Json& s) { return target_of(s) == removal->target; });
      }
    }
    return decision.actions.size();
  };
  EXPECT_EQ(carry_out(), 3U);
  EXPECT_EQ(carry_out(), 0U);
  observed.pods[7]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_EQ(carry_out(), 1U) << "one pod, one write";
  std::size_t ready = 0;
  for (const Json& slice : observed.slices) {
    EXPECT_EQ(slice["ports"], J(R"([{"name":"","port":8000,"protocol":"TCP"}])"));
    for (const Json& endpoint : slice["endpoints"])
      ready += endpoint["conditions"]["ready"] == true;
  }
  EXPECT_EQ(ready, 249U);
  observed.pods.clear();
  EXPECT_EQ(carry_out(), 4U) << "one slice without ports for three";
  EXPECT_EQ(carry_out(), 0U);
}

TEST(EndpointSlices, NamedPortsAreThoseOfThePod) {
  EndpointSliceObserved observed{J(R"({"kind":"Service","metadata":{"name":"s","uid":"s"},"spec":{
    "selector":{"a":"b"},"ports":[{"name":"web","port":80,"targetPort":"http"}]}})"),
                                 {},
                                 {}};
  for (const int port : {8000, 9000}) {
    Json pod = J(R"({"metadata":{"labels":{"a":"b"}},"status":{"podIP":"127.0.0.2"}})");
    pod["metadata"]["uid"] = std::to_string(port);
    pod["spec"]["containers"] =
        Json::array({{{"ports", Json::array({{{"name", "http"}, {"containerPort", port}}})}}});
    observed.pods.push_back(pod);
  }
  const Decision decision = decide_endpoint_slices(observed);
  ASSERT_EQ(decision.actions.size(), 2U) << "two numbers, two slices";
  EXPECT_EQ(std::get<Create>(decision.actions[0]).object["ports"][0]["port"], 8000);
  observed.service["spec"].erase("selector");
  EXPECT_TRUE(decide_endpoint_slices(observed).actions.empty()) << "somebody else looks after it";
}

TEST(Labels, Selectors) {
  const Json pod = J(R"({"metadata":{"labels":{"a":"1","b":"2"}}})");
  const auto matches = [&](const char* selector) { return selects(J(selector), pod); };
  EXPECT_TRUE(matches(R"({"matchLabels":{"a":"1"}})"));
  EXPECT_FALSE(matches(R"({"matchLabels":{"a":"2"}})"));
  EXPECT_FALSE(matches("{}"));
  EXPECT_TRUE(matches(R"({"matchExpressions":[{"key":"a","operator":"In","values":["1","3"]}]})"));
  EXPECT_TRUE(matches(R"({"matchExpressions":[{"key":"c","operator":"NotIn","values":["1"]}]})"));
  EXPECT_TRUE(matches(R"({"matchExpressions":[{"key":"b","operator":"Exists"}]})"));
  EXPECT_FALSE(matches(R"({"matchExpressions":[{"key":"b","operator":"DoesNotExist"}]})"));
  EXPECT_FALSE(matches(R"({"matchExpressions":[{"key":"b","operator":"Spam"}]})"));
}

}  // namespace
}  // namespace nacelle::control::workload
