// The worked examples of KServe's documents: objects as goldens, life as a simulation.
//
// With NACELLE_UPDATE_GOLDENS set the goldens are written instead of compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/core/children.h"
#include "control/core/kserve/admission.h"
#include "control/core/kserve/conversion.h"
#include "control/core/kserve/decide.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/pod/expansion.h"
#include "kube/patch.h"
#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "kserve";

std::string read(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

Json load(const std::string& name) {
  auto object = kube::json_of_yaml(read(kFolder / name));
  EXPECT_TRUE(object.ok()) << name << ": " << object.error().message();
  return object.ok() ? *object : Json();
}

// A namespace with one service, kept current by carrying actions out as an API server would.
struct World {
  Json service;
  std::vector<Json> configs, config_maps, peers;
  GlobalConfig global;
  Platform platform{.rbac = true, .old_pools = false};
  Observed observed{.now = "2026-01-01T00:00:00Z"};
  int writes = 0;

  explicit World(Json of) : service(std::move(of)) {
    default_service(service);
    for (const Json& preset : presets()) configs.push_back(preset);
    observed.gateways.push_back(*kube::json_of_yaml(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: kserve-ingress-gateway, namespace: kserve}
spec: {listeners: [{name: http, protocol: HTTP, port: 80}]}
status:
  addresses: [{value: "203.0.113.7"}]
  conditions: [{type: Programmed, status: "True"}]
)"));
  }

  Decision decide() {
    Lookup lookup;
    const auto in = [](const std::vector<Json>& list) {
      return [&list](std::string_view name_space, std::string_view name) -> const Json* {
        for (const Json& object : list) {
          if (kube::key_of(object) == kube::ObjectKey{std::string(name_space), std::string(name)}) {
            return &object;
          }
        }
        return nullptr;
      };
    };
    lookup.config = in(configs);
    lookup.config_map = in(config_maps);
    observed.peers = peers;
    return kserve::decide(service, global, platform, lookup, observed);
  }

  void carry_out(const Action& action) {
    ++writes;
    if (const auto* apply = std::get_if<Apply>(&action)) {
      const Target target = target_of(apply->object);
      for (Json& child : observed.children) {
        if (target_of(child) != target) continue;
        child.merge_patch(apply->object);
        return;
      }
      observed.children.push_back(apply->object);
    } else if (const auto* removal = std::get_if<Delete>(&action)) {
      std::erase_if(observed.children,
                    [&](const Json& child) { return target_of(child) == removal->target; });
    } else if (const auto* update = std::get_if<Update>(&action)) {
      service = update->object;
    } else if (const auto* status = std::get_if<UpdateStatus>(&action)) {
      service["status"] = status->object["status"];
    }
  }

  // Decides and carries out until nothing is left to do.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      const Decision decision = decide();
      if (decision.actions.empty()) return;
      for (const Action& action : decision.actions) carry_out(action);
    }
    FAIL() << "does not settle";
  }

  Json* child(std::string_view kind, std::string_view name) {
    for (Json& each : observed.children) {
      if (each["kind"] == kind && kube::key_of(each).name == name) return &each;
    }
    return nullptr;
  }

  std::string condition(std::string_view type, const char* field = "status") const {
    for (const Json& each : kube::list_at(service, {"status", "conditions"})) {
      if (each["type"] == type) return each.value(field, "");
    }
    return "absent";
  }

  void make_ready() {
    for (Json& each : observed.children) {
      if (each["kind"] == "Deployment" || each["kind"] == "LeaderWorkerSet") {
        each["status"] = {{"readyReplicas", 1},
                          {"availableReplicas", 1},
                          {"conditions", Json::array({{{"type", "Available"},
                                                       {"status", "True"},
                                                       {"reason", "MinimumReplicasAvailable"}}})}};
      }
      const Json accepted = Json::array({{{"type", "Accepted"}, {"status", "True"}},
                                         {{"type", "ResolvedRefs"}, {"status", "True"}}});
      const Json parent = {{"name", "kserve-ingress-gateway"}, {"namespace", "kserve"}};
      if (each["kind"] == "HTTPRoute" || each["kind"] == "InferencePool") {
        each["status"]["parents"] =
            Json::array({{{"parentRef", parent}, {"conditions", accepted}}});
      }
    }
  }
};

class Examples : public testing::TestWithParam<const char*> {};

TEST_P(Examples, MakeTheObjectsOfTheGolden) {
  const std::string name = GetParam();
  World world(load(name + ".yaml"));
  if (std::filesystem::exists(kFolder / (name + ".config.yaml"))) {
    world.configs.push_back(load(name + ".config.yaml"));
  }
  world.settle();
  Json objects = Json::array();
  for (Json child : world.observed.children) {
    child["metadata"]["annotations"].erase(std::string(kAppliedAnnotation));
    objects.push_back(std::move(child));
  }
  Json golden = {{"objects", std::move(objects)}, {"status", world.service["status"]}};
  const std::string text = golden.dump(1) + "\n";
  const std::filesystem::path path = kFolder / (name + ".golden.json");
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  const Json expected = Json::parse(read(path), nullptr, false);
  EXPECT_EQ(golden, expected) << Json::diff(expected, golden).dump(1);
}

TEST_P(Examples, SettleFromAnyCrashAndThenWriteNothing) {
  const std::string name = GetParam();
  const auto fresh = [&] {
    World world(load(name + ".yaml"));
    if (std::filesystem::exists(kFolder / (name + ".config.yaml"))) {
      world.configs.push_back(load(name + ".config.yaml"));
    }
    return world;
  };
  World calm = fresh();
  calm.settle();
  calm.writes = 0;
  calm.settle();
  EXPECT_EQ(calm.writes, 0);
  for (int crash = 0; crash < 40; ++crash) {
    World world = fresh();
    int done = 0;
    bool crashed = false;
    while (!crashed) {
      const Decision decision = world.decide();
      if (decision.actions.empty()) break;
      for (const Action& action : decision.actions) {
        if (done++ == crash) {
          crashed = true;
          break;
        }
        world.carry_out(action);
      }
    }
    world.settle();
    const auto sorted = [](std::vector<Json> objects) {
      std::sort(objects.begin(), objects.end());
      return objects;
    };
    EXPECT_EQ(sorted(world.observed.children), sorted(calm.observed.children)) << crash;
    EXPECT_EQ(world.service, calm.service) << crash;
    if (!crashed) break;
  }
}

INSTANTIATE_TEST_SUITE_P(KServe, Examples,
                         testing::Values("e1-single-node", "e2-no-scheduler", "e3-prefill-decode",
                                         "e4-data-parallel", "e5-prefill-decode-multi-node",
                                         "e6-lora", "e7-scaling", "e8-canary",
                                         "e10-shared-config"));

TEST(KServe, BecomesReadyAndSaysWhere) {
  World world(load("e1-single-node.yaml"));
  world.settle();
  EXPECT_EQ(world.condition("Ready"), "False");
  world.make_ready();
  world.settle();
  for (const char* type : {"PresetsCombined", "MainWorkloadReady", "WorkloadsReady",
                           "GatewaysReady", "HTTPRoutesReady", "InferencePoolReady",
                           "SchedulerWorkloadReady", "RouterReady", "Ready"}) {
    EXPECT_EQ(world.condition(type), "True") << type << world.condition(type, "message");
  }
  EXPECT_EQ(world.condition("PrefillWorkloadReady"), "absent");
  EXPECT_EQ(world.service["status"]["url"], "http://203.0.113.7/team/chat");
}

TEST(KServe, ARolloutThatHangsIsSaidWhileOldPodsAnswer) {
  World world(load("e1-single-node.yaml"));
  world.settle();
  world.make_ready();
  world.settle();
  ASSERT_EQ(world.condition("Ready"), "True");
  EXPECT_EQ(world.condition("RolloutStuck"), "absent");
  Json* deployment = world.child("Deployment", "chat-kserve");
  (*deployment)["status"]["conditions"].push_back(
      {{"type", "Progressing"},
       {"status", "False"},
       {"reason", "ProgressDeadlineExceeded"},
       {"message", "ReplicaSet \"chat-kserve-2\" has timed out progressing."}});
  world.settle();
  EXPECT_EQ(world.condition("RolloutStuck"), "True");
  EXPECT_EQ(world.condition("RolloutStuck", "reason"), "ProgressDeadlineExceeded");
  EXPECT_EQ(world.condition("Ready"), "True") << "old pods answer";
  world.observed.pods.push_back(Json::parse(R"({"metadata":{"name":"chat-kserve-2-x","labels":
    {"app.kubernetes.io/component":"llminferenceservice-workload"}},"status":{"containerStatuses":[
    {"name":"main","restartCount":0,"state":{"waiting":{"reason":"ErrImagePull",
     "message":"image \"x\" cannot be pulled"}}}]}})"));
  world.settle();
  EXPECT_EQ(world.condition("RolloutStuck", "reason"), "ErrImagePull") << "the cause, when known";
  EXPECT_NE(world.condition("RolloutStuck", "message").find("chat-kserve-2-x"), std::string::npos);
  // The next one goes through.
  deployment = world.child("Deployment", "chat-kserve");
  (*deployment)["status"]["conditions"].back() = {{"type", "Progressing"}, {"status", "True"}};
  world.observed.pods.clear();
  world.settle();
  EXPECT_EQ(world.condition("RolloutStuck"), "absent");
}

TEST(KServe, CausesInPodsReachTheCondition) {
  World world(load("e1-single-node.yaml"));
  world.settle();
  world.observed.pods.push_back(Json::parse(R"({"metadata":{"name":"chat-kserve-x","labels":
    {"app.kubernetes.io/component":"llminferenceservice-workload"}},"status":{"containerStatuses":[
    {"name":"main","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},
     "lastState":{"terminated":{"exitCode":1,"message":"no such file: model.safetensors"}}}]}})"));
  world.settle();
  EXPECT_EQ(world.condition("Ready", "reason"), "CrashLoopBackOff");
  EXPECT_EQ(world.condition("Ready", "message"),
            "pod chat-kserve-x: container main exited with code 1: no such file: "
            "model.safetensors, 3 restarts");
}

TEST(KServe, StoppedServicesKeepNothingAndComeBack) {
  World world(load("e3-prefill-decode.yaml"));
  world.settle();
  world.service["metadata"]["annotations"][std::string(kStopAnnotation)] = "True";
  world.settle();
  EXPECT_TRUE(world.observed.children.empty()) << Json(world.observed.children).dump(1);
  EXPECT_EQ(world.condition("Ready", "reason"), "Stopped");
  EXPECT_FALSE(world.service["status"].contains("workloads"));
  world.service["metadata"]["annotations"].erase(std::string(kStopAnnotation));
  world.settle();
  EXPECT_NE(world.child("Deployment", "chat-kserve-prefill"), nullptr);
}

TEST(KServe, MissingConfigsAndGatewaysAreNamed) {
  World world(load("e10-shared-config.yaml"));
  world.settle();
  EXPECT_EQ(world.condition("PresetsCombined", "reason"), "ConfigNotFound");
  EXPECT_EQ(world.condition("Ready", "message"),
            "LLMInferenceServiceConfig \"gpu-large\" was found neither in namespace team nor in "
            "kserve");
  EXPECT_TRUE(world.observed.children.empty());

  World lost(load("e1-single-node.yaml"));
  lost.observed.gateways.clear();
  lost.settle();
  EXPECT_EQ(lost.condition("HTTPRoutesReady", "reason"), "RefsInvalid");
  EXPECT_EQ(lost.condition("HTTPRoutesReady", "message"),
            "Gateway kserve/kserve-ingress-gateway does not exist");
  EXPECT_NE(lost.child("Deployment", "chat-kserve"), nullptr) << "the workload is there already";
  EXPECT_EQ(lost.child("HTTPRoute", "chat-kserve-route"), nullptr);
}

TEST(KServe, ValuesWithQuotesAndBracesStayValues) {
  Json service = load("e1-single-node.yaml");
  const std::string name = "a\"b{{ .Nope }}'$(x)";
  service["spec"]["model"]["name"] = name;
  World world(service);
  world.settle();
  ASSERT_EQ(world.condition("PresetsCombined"), "True") << world.condition("Ready", "message");
  const Json& pod = (*world.child("Deployment", "chat-kserve"))["spec"]["template"]["spec"];
  for (const Json& env : pod["containers"][0]["env"]) {
    if (env["name"] == "SERVED_MODEL_NAME") {
      EXPECT_EQ(pod::expand(kube::text_at(env, {"value"}), {{"x", "not this"}}), name);
    }
  }
}

TEST(KServe, APresetSeesWhatABaseConfigSets) {
  Json service = load("e10-shared-config.yaml");
  Json config = load("e10-shared-config.config.yaml");
  config["spec"]["parallelism"]["tensor"] = 4;
  config["spec"]["model"]["name"] = "of-the-base";
  World world(service);
  world.configs.push_back(config);
  world.settle();
  ASSERT_EQ(world.condition("PresetsCombined"), "True") << world.condition("Ready", "message");
  const Json& main =
      (*world.child("Deployment", "chat-kserve"))["spec"]["template"]["spec"]["containers"][0];
  EXPECT_NE(main["command"][2].get<std::string>().find("--tensor-parallel-size 4"),
            std::string::npos);
  EXPECT_NE(main.dump().find("\"value\":\"tiny\""), std::string::npos) << "the service's name wins";
}

TEST(KServe, TrafficGroupsShareAllButTheirOwnPath) {
  World world(load("e8-canary.yaml"));
  Json peer = load("e8-canary.yaml");
  peer["metadata"]["name"] = "chat-v2";
  peer["spec"]["router"]["route"]["weight"] = 10;
  peer["status"] = Json::parse(R"({"conditions":[{"type":"RouterReady","status":"True"}],
    "workloads":{"primary":{"readyReplicas":1}},
    "router":{"scheduler":{"inferencePool":{"name":"chat-v2-inference-pool"}}}})");
  world.peers.push_back(peer);
  world.settle();
  const Json route = *world.child("HTTPRoute", "chat-kserve-route");
  for (const Json& rule : route["spec"]["rules"]) {
    const std::string path = rule["matches"][0].value("/path/value"_json_pointer, std::string());
    if (path.starts_with("/team/chat")) {
      ASSERT_EQ(rule["backendRefs"].size(), 1U) << rule;
      continue;
    }
    ASSERT_EQ(rule["backendRefs"].size(), 2U) << rule;
    EXPECT_EQ(rule["backendRefs"][0]["name"], "chat-inference-pool");
    EXPECT_EQ(rule["backendRefs"][0]["weight"], 90);
    EXPECT_EQ(rule["backendRefs"][1]["name"], "chat-v2-inference-pool");
    EXPECT_EQ(rule["backendRefs"][1]["weight"], 10);
  }
  EXPECT_EQ(world.condition("GroupReady"), "True");
  EXPECT_EQ(world.service["status"]["router"]["group"]["members"].size(), 2U);

  world.peers[0]["spec"]["model"]["name"] = "another";
  world.settle();
  EXPECT_EQ(world.condition("GroupDegraded", "reason"), "MemberDivergence");
  world.peers[0]["metadata"]["annotations"][std::string(kStopAnnotation)] = "true";
  world.settle();
  EXPECT_EQ(world.condition("GroupDegraded"), "absent");
  EXPECT_EQ(
      (*world.child("HTTPRoute", "chat-kserve-route"))["spec"]["rules"][4]["backendRefs"].size(),
      1U);
}

TEST(KServe, SomebodyElsesChangeIsUndoneAndDefaultsAreNot) {
  World world(load("e1-single-node.yaml"));
  world.settle();
  Json& deployment = *world.child("Deployment", "chat-kserve");
  deployment["spec"]["revisionHistoryLimit"] = 10;  // what an API server fills in
  deployment["spec"]["template"]["spec"]["restartPolicy"] = "Always";
  Json& route = *world.child("HTTPRoute", "chat-kserve-route");
  route["spec"]["rules"][0]["backendRefs"][0]["namespace"] = "team";
  world.writes = 0;
  world.settle();
  EXPECT_EQ(world.writes, 0);
  deployment["spec"]["replicas"] = 7;
  world.settle();
  EXPECT_EQ(world.writes, 1);
  EXPECT_EQ((*world.child("Deployment", "chat-kserve"))["spec"]["replicas"], 2);
}

TEST(KServe, NamesOfChildren) {
  EXPECT_EQ(child_name("chat", "-kserve"), "chat-kserve");
  const std::string longest(60, 'a');
  EXPECT_EQ(child_name(longest, "-epp-service").size(), 63U);
  EXPECT_TRUE(child_name(longest, "-epp-service").ends_with("-epp-service"));
  EXPECT_EQ(child_name(longest, "-" + std::string(40, 'b')).size(), 63U);
  EXPECT_NE(child_name(longest + "x", "-epp"), child_name(longest + "y", "-epp"));
}

struct Refusal {
  const char* name;
  const char* spec;   // laid over a valid one
  const char* field;  // of the first problem; null: allowed
  const char* message = "";
  const char* warning = nullptr;
};

TEST(KServeAdmission, Rules) {
  const std::vector<Refusal> rows = {
      {"a plain service", "{}", nullptr},
      {"refs and spec",
       R"({"router":{"route":{"http":{"refs":[{"name":"r"}],"spec":{"rules":[]}}}}})",
       "spec.router.route.http", "mutually exclusive"},
      {"refs with a managed gateway",
       R"({"router":{"gateway":{},"route":{"http":{"refs":[{"name":"r"}]}}}})",
       "spec.router.gateway"},
      {"group without weight", R"({"router":{"route":{"group":"g"}}})", "spec.router.route.weight"},
      {"weight without group", R"({"router":{"route":{"weight":1}}})", "spec.router.route.group"},
      {"group with ingress", R"({"router":{"route":{"group":"g","weight":1},"ingress":{}}})",
       "spec.router.route.group"},
      {"other gateways", R"({"router":{"gateway":{"refs":[{"name":"a","namespace":"n"}]},
        "route":{"http":{"spec":{"parentRefs":[{"name":"b","namespace":"n"}]}}}}})",
       "spec.router.route.http.spec.parentRefs"},
      {"the same gateways", R"({"router":{"gateway":{"refs":[{"name":"a","namespace":"n"}]},
        "route":{"http":{"spec":{"parentRefs":[{"name":"a","namespace":"n"}]}}}}})",
       nullptr, "", "one is enough"},
      {"no scheduler replicas", R"({"router":{"scheduler":{"replicas":0}}})",
       "spec.router.scheduler.replicas"},
      {"config twice",
       R"({"router":{"scheduler":{"config":{"inline":{"a":1},"ref":{"name":"x"}}}}})",
       "spec.router.scheduler.config"},
      {"config empty", R"({"router":{"scheduler":{"config":{"inline":{}}}}})",
       "spec.router.scheduler.config.inline"},
      {"worker without parallelism", R"({"worker":{}})", "spec.parallelism"},
      {"data without dataLocal", R"({"worker":{},"parallelism":{"data":2}})",
       "spec.parallelism.dataLocal"},
      {"pipeline and data", R"({"worker":{},"parallelism":{"data":2,"dataLocal":1,"pipeline":2}})",
       "spec.parallelism", "mutually exclusive"},
      {"pipeline on one node", R"({"parallelism":{"pipeline":2}})", nullptr, "",
       "spec.parallelism.pipeline is not used"},
      {"scaling and replicas", R"({"replicas":1,"scaling":{"maxReplicas":2,"wva":{"hpa":{}}}})",
       "spec", "mutually exclusive"},
      {"scaling without most", R"({"scaling":{"wva":{"hpa":{}}}})", "spec.scaling.maxReplicas"},
      {"idle not below min", R"({"scaling":{"minReplicas":1,"maxReplicas":2,
        "keda":{"idleReplicaCount":1,"triggers":[{}]}}})",
       "spec.scaling.keda.idleReplicaCount"},
      {"two scalers", R"({"scaling":{"maxReplicas":2,"wva":{"hpa":{}}},"prefill":
        {"scaling":{"maxReplicas":2,"keda":{"triggers":[{}]}}}})",
       "spec.prefill.scaling", "scales by keda, but spec.scaling by wva with hpa"},
      {"adapter of the base's name",
       R"({"model":{"lora":{"adapters":[{"name":"tiny","uri":"x"}]}}})",
       "spec.model.lora.adapters[0].name", "base model"},
      {"adapters twice", R"({"model":{"lora":{"adapters":[{"name":"a"},{"name":"a"}]}}})",
       "spec.model.lora.adapters[1].name", "Duplicate value: \"a\""},
      {"tiers without cpu",
       R"({"kvCacheOffloading":{"secondary":[{"fileSystem":{"emptyDir":{}}}]}})",
       "spec.kvCacheOffloading.cpu"},
      {"rollout of nothing", R"({"rolloutStrategy":{"maxUnavailable":0,"maxSurge":0}})",
       "spec.rolloutStrategy", "cannot both be 0"},
      {"rollout above all", R"({"rolloutStrategy":{"maxSurge":"101%"}})",
       "spec.rolloutStrategy.maxSurge"},
      {"resource id", R"({"model":{"confidential":{"resourceId":"kbs:///a/b"}}})",
       "spec.model.confidential.resourceId"},
      {"ingress", R"({"router":{"ingress":{"refs":[]}}})", nullptr, "", "no Ingress is made"},
  };
  for (const Refusal& row : rows) {
    Json service = load("e1-single-node.yaml");
    service["spec"] = Json::parse(R"({"model":{"uri":"hf://org/tiny","name":"tiny"}})");
    service["spec"].merge_patch(Json::parse(row.spec));
    if (std::string_view(row.name) == "worker without parallelism")
      service["spec"]["worker"] = Json::object();
    const Review review = review_service(service, nullptr);
    if (row.field == nullptr) {
      EXPECT_TRUE(review.allowed()) << row.name << ": " << review.problems[0].message;
    } else {
      ASSERT_FALSE(review.allowed()) << row.name;
      EXPECT_EQ(review.problems[0].field, row.field) << row.name;
      EXPECT_NE(review.problems[0].message.find(row.message), std::string::npos)
          << row.name << ": " << review.problems[0].message;
    }
    if (row.warning != nullptr) {
      ASSERT_FALSE(review.warnings.empty()) << row.name;
      EXPECT_NE(review.warnings[0].find(row.warning), std::string::npos) << review.warnings[0];
    }
  }
}

TEST(KServeAdmission, TheSizeOfAGroupCannotChange) {
  const Json before = load("e4-data-parallel.yaml");
  Json after = before;
  after["spec"]["parallelism"] = {{"data", 8}, {"dataLocal", 4}};
  EXPECT_TRUE(review_service(after, &before).allowed()) << "the quotient is the same";
  after["spec"]["parallelism"]["data"] = 16;
  const Review review = review_service(after, &before);
  ASSERT_EQ(review.problems.size(), 1U);
  EXPECT_EQ(review.problems[0].reason, "FieldValueNotSupported");
  EXPECT_EQ(review.problems[0].message,
            "Unsupported value: 4: total parallelism size is immutable");
}

TEST(KServeAdmission, ANameThatIsNoLabelIsRefused) {
  Json service = load("e1-single-node.yaml");
  service["metadata"]["name"] = std::string(63, 'n');
  EXPECT_TRUE(review_service(service, nullptr).allowed());
  service["metadata"]["name"] = std::string(64, 'n');
  const Review review = review_service(service, nullptr);
  ASSERT_EQ(review.problems.size(), 1U);
  EXPECT_EQ(review.problems[0].field, "metadata.name");
}

TEST(KServePresets, AllPresetsRenderAndPassTheirRules) {
  for (const Json& preset : presets()) {
    EXPECT_TRUE(review_config(preset, false).allowed());
    const Status status = check_templates(preset, {});
    EXPECT_TRUE(status.ok()) << kube::key_of(preset).name << ": " << status.message();
  }
  EXPECT_EQ(presets().size(), 13U);
  Json broken = presets()[0];
  broken["spec"]["labels"]["x"] = "{{ .Nope }}";
  EXPECT_FALSE(check_templates(broken, {}).ok());
}

TEST(KServeConversion, BothWays) {
  const Json old = Json::parse(R"({"apiVersion":"serving.kserve.io/v1alpha1",
    "kind":"LLMInferenceService","metadata":{"name":"x"},"spec":{"model":{"uri":"hf://a/b",
    "criticality":"Critical","lora":{"adapters":[{"name":"a"},{"name":"b","criticality":"Sheddable"}]}},
    "router":{"scheduler":{"pool":{"spec":{"selector":{"app":"x"},"targetPortNumber":8000,
    "extensionRef":{"kind":"Service","name":"e","portNumber":9002,"failureMode":"FailOpen"}}}}}}})");
  const auto up = convert(old, kVersion);
  ASSERT_TRUE(up.ok());
  EXPECT_EQ(*up, Json::parse(R"({"apiVersion":"serving.kserve.io/v1alpha2",
    "kind":"LLMInferenceService","metadata":{"name":"x","annotations":{
    "internal.serving.kserve.io/model-criticality":"Critical",
    "internal.serving.kserve.io/lora-criticalities":"{\"1\":\"Sheddable\"}"}},
    "spec":{"model":{"uri":"hf://a/b","lora":{"adapters":[{"name":"a"},{"name":"b"}]}},
    "router":{"scheduler":{"pool":{"spec":{"selector":{"matchLabels":{"app":"x"}},
    "targetPorts":[{"number":8000}],"endpointPickerRef":{"kind":"Service","name":"e",
    "port":{"number":9002},"failureMode":"FailOpen"}}}}}}})"));
  const auto down = convert(*up, kOldVersion);
  ASSERT_TRUE(down.ok());
  EXPECT_EQ(*down, old);
  Json fresh = load("e1-single-node.yaml");
  fresh["spec"]["kvCacheOffloading"] = {{"cpu", "1Gi"}};
  EXPECT_FALSE((*convert(fresh, kOldVersion))["spec"].contains("kvCacheOffloading"));
  EXPECT_FALSE(convert(old, "serving.kserve.io/v1").ok());
  EXPECT_FALSE(convert({{"kind", "Pod"}}, kVersion).ok());
}

TEST(KServe, PoolsOfAGatewayThatPicksHaveNoPicker) {
  World world(load("e1-single-node.yaml"));
  world.platform.picker_in_gateway = true;
  world.settle();
  EXPECT_EQ(world.child("Deployment", "chat-kserve-router-scheduler"), nullptr);
  EXPECT_EQ(world.child("Service", "chat-epp-service"), nullptr);
  EXPECT_NE(world.child("InferencePool", "chat-inference-pool"), nullptr);
  world.make_ready();
  world.settle();
  EXPECT_EQ(world.condition("SchedulerWorkloadReady", "reason"), "InGateway");
  EXPECT_EQ(world.condition("Ready"), "True");
}

TEST(KServe, TracingReachesTheEngineAndThePicker) {
  World world(load("e1-single-node.yaml"));
  world.service["spec"]["tracing"] = {{"samplerArg", "0.5"}};
  world.settle();
  const auto variable = [&](const char* deployment, std::string_view name) -> std::string {
    const Json* child = world.child("Deployment", deployment);
    if (child == nullptr) return "no " + std::string(deployment);
    for (const Json& each :
         kube::list_at((*child)["spec"]["template"]["spec"]["containers"][0], {"env"})) {
      if (each["name"] == name) return each.value("value", "");
    }
    return "absent";
  };
  for (const auto& [deployment, service] :
       {std::pair{"chat-kserve", "inference-server-decode"},
        std::pair{"chat-kserve-router-scheduler", "inference-scheduler"}}) {
    EXPECT_EQ(variable(deployment, "OTEL_SERVICE_NAME"), service);
    EXPECT_EQ(variable(deployment, "OTEL_EXPORTER_OTLP_ENDPOINT"), "http://otel-collector:4317");
    EXPECT_EQ(variable(deployment, "OTEL_TRACES_SAMPLER"), "parentbased_traceidratio");
    EXPECT_EQ(variable(deployment, "OTEL_TRACES_SAMPLER_ARG"), "0.5");
  }
}

TEST(KServe, WhatTheApiRefusedIsTheReason) {
  World world(load("e1-single-node.yaml"));
  world.observed.refused = {"Deployment chat-kserve: exceeded quota"};
  world.settle();
  EXPECT_EQ(world.condition("MainWorkloadReady", "message"),
            "Deployment chat-kserve: exceeded quota");
  EXPECT_EQ(world.condition("Ready", "reason"), "ReconcileSingleNodeWorkloadError");
}

}  // namespace
}  // namespace nacelle::control::kserve
