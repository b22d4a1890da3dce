// Both versions of KServe's kinds at one API, without a webhook: what is written in one is read in
// the other, by get, list and watch.
#include <gtest/gtest.h>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::find;
using kube::text_at;
using kube::testing::ApiReply;
using testing::Cluster;

constexpr const char* kNew = "/apis/serving.kserve.io/v1alpha2/namespaces/team/";
constexpr const char* kOld = "/apis/serving.kserve.io/v1alpha1/namespaces/team/";

Json config(const char* version, const char* name, const char* spec) {
  Json out = {{"apiVersion", std::string("serving.kserve.io/") + version},
              {"kind", "LLMInferenceServiceConfig"},
              {"metadata", {{"name", name}, {"namespace", "team"}}}};
  out["spec"] = *kube::json_of_yaml(spec);
  return out;
}

// Fields of a pool's spec and criticalities have other places in each version.
constexpr const char* kOldSpec = R"(
model: {uri: "hf://org/tiny", name: tiny, criticality: Sheddable,
        lora: {adapters: [{name: a, uri: "hf://org/a"}, {name: b, uri: "hf://org/b", criticality: Critical}]}}
router:
  scheduler:
    pool: {spec: {targetPortNumber: 8000, selector: {app: tiny},
                  extensionRef: {name: picker, portNumber: 9002, failureMode: FailOpen}}}
)";
constexpr const char* kNewSpec = R"(
model: {uri: "hf://org/tiny", name: tiny, confidential: {enabled: true}}
kvCacheOffloading: {cpu: 1Gi}
router:
  scheduler:
    pool: {spec: {targetPorts: [{number: 8000}], selector: {matchLabels: {app: tiny}},
                  endpointPickerRef: {name: picker, port: {number: 9002}, failureMode: FailOpen}}}
)";
const std::string kConfigs = "llminferenceserviceconfigs";

TEST(KindsVersions, AConfigOfTheOlderVersionIsReadAsTheNewerOneAndComesBackAsItWas) {
  Cluster cluster;
  const Json written = config("v1alpha1", "old", kOldSpec);
  const ApiReply made = cluster.api().post(kOld + kConfigs, written);
  ASSERT_EQ(made.status, 201) << made.text;
  const Json up = cluster.api().get(kNew + kConfigs + "/old").body;
  const Json* pool = find(up, {"spec", "router", "scheduler", "pool", "spec"});
  ASSERT_NE(pool, nullptr) << up;
  EXPECT_EQ(text_at(up, {"apiVersion"}), "serving.kserve.io/v1alpha2");
  EXPECT_EQ((*pool)["targetPorts"], Json::array({{{"number", 8000}}})) << *pool;
  EXPECT_EQ((*pool)["selector"]["matchLabels"]["app"], "tiny");
  EXPECT_EQ((*pool)["endpointPickerRef"]["port"]["number"], 9002);
  EXPECT_EQ(find(up, {"spec", "model", "criticality"}), nullptr);
  const Json down = cluster.api().get(kOld + kConfigs + "/old").body;
  EXPECT_EQ(down["spec"], written["spec"]);
  EXPECT_FALSE(down["metadata"].contains("annotations")) << "what was kept there is back";

  // A write of what was read in one version changes nothing in the other.
  EXPECT_EQ(cluster.api().put(kNew + kConfigs + "/old", up).status, 200);
  EXPECT_EQ(cluster.api().get(kOld + kConfigs + "/old").body["spec"], written["spec"]);
}

TEST(KindsVersions, AConfigOfTheNewerVersionIsReadAsTheOlderOne) {
  Cluster cluster;
  const Json written = config("v1alpha2", "new", kNewSpec);
  ASSERT_EQ(cluster.api().post(kNew + kConfigs, written).status, 201);
  const Json down = cluster.api().get(kOld + kConfigs + "/new").body;
  EXPECT_EQ(text_at(down, {"apiVersion"}), "serving.kserve.io/v1alpha1");
  const Json* pool = find(down, {"spec", "router", "scheduler", "pool", "spec"});
  ASSERT_NE(pool, nullptr) << down;
  EXPECT_EQ((*pool)["targetPortNumber"], 8000);
  EXPECT_EQ((*pool)["selector"]["app"], "tiny");
  EXPECT_EQ((*pool)["extensionRef"]["portNumber"], 9002);
  EXPECT_FALSE(down["spec"].contains("kvCacheOffloading")) << "v1alpha1 has no place for it";
  EXPECT_EQ(find(down, {"spec", "model", "confidential"}), nullptr);
  EXPECT_EQ(cluster.api().get(kNew + kConfigs + "/new").body["spec"], written["spec"]);
}

TEST(KindsVersions, ListsAndWatchesOfTheOlderVersionShowObjectsOfTheNewerOne) {
  Cluster cluster;
  ASSERT_EQ(cluster.api().post(kNew + kConfigs, config("v1alpha2", "first", kNewSpec)).status, 201);
  const Json list = cluster.api().get(kOld + kConfigs).body;
  EXPECT_EQ(text_at(list, {"apiVersion"}), "serving.kserve.io/v1alpha1");
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(list["items"][0]["spec"]["router"]["scheduler"]["pool"]["spec"]["targetPortNumber"],
            8000);

  const auto watch = cluster.api().watch(
      kOld + kConfigs + "?watch=true&resourceVersion=" + std::string(kube::version_of(list)));
  ASSERT_EQ(cluster.api().post(kNew + kConfigs, config("v1alpha2", "second", kNewSpec)).status,
            201);
  Json event = watch->next();
  while (text_at(event, {"object", "metadata", "name"}) != "second") {
    ASSERT_FALSE(event.is_null());
    event = watch->next();  // the first one's status
  }
  EXPECT_EQ(text_at(event, {"type"}), "ADDED");
  const Json& object = event["object"];
  EXPECT_EQ(text_at(object, {"apiVersion"}), "serving.kserve.io/v1alpha1");
  EXPECT_EQ(object["spec"]["router"]["scheduler"]["pool"]["spec"]["targetPortNumber"], 8000);
  EXPECT_FALSE(object["spec"].contains("kvCacheOffloading"));
}

}  // namespace
}  // namespace nacelle::control
