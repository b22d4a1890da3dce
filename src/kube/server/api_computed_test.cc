// Kinds that are read from an ObjectSource: metrics.k8s.io.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using ::testing::ElementsAre;

const std::string kGroup = "/apis/metrics.k8s.io/v1beta1";

Json pod_metrics(const char* name_space, const char* name, const char* app) {
  return {{"kind", "PodMetrics"},
          {"apiVersion", "metrics.k8s.io/v1beta1"},
          {"metadata", {{"name", name}, {"namespace", name_space}, {"labels", {{"app", app}}}}},
          {"timestamp", "2026-01-01T00:00:15Z"},
          {"window", "15s"},
          {"containers",
           {{{"name", "a"}, {"usage", {{"cpu", "250m"}, {"memory", "1Mi"}}}},
            {{"name", "b"}, {"usage", {{"cpu", "1500000n"}, {"memory", "1024Ki"}}}}}}};
}

// Two pods in one namespace, one in another; no node.
class Source final : public ObjectSource {
 public:
  async::Task<Result<std::vector<Json>>> read(async::Loop&, std::string collection,
                                              std::string name_space) override {
    if (!error.ok()) co_return error;
    std::vector<Json> out;
    if (collection == "nodes.metrics.k8s.io") co_return out;
    for (const auto& [where, name, app] : {std::tuple{"default", "web-2", "web"},
                                           {"default", "web-1", "web"},
                                           {"other", "job", "job"}}) {
      if (name_space.empty() || name_space == where) out.push_back(pod_metrics(where, name, app));
    }
    co_return out;
  }
  Status error;
};

class ComputedKinds : public ::testing::Test {
 protected:
  static ApiServerOptions options(Source& source) {
    ApiServerOptions out;
    for (const char* what : {"pods", "nodes"}) {
      out.sources[std::string(what) + ".metrics.k8s.io"] = &source;
    }
    return out;
  }
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> out;
    const Json list = api_.get(kGroup + path).body;
    for (const Json& item : list_at(list, {"items"})) {
      out.emplace_back(text_at(item, {"metadata", "name"}));
    }
    return out;
  }

  Source source_;
  ApiFixture api_{options(source_)};
};

TEST_F(ComputedKinds, AreListedAndGotByNamespaceNameAndLabel) {
  const Json list = api_.get(kGroup + "/pods").body;
  EXPECT_EQ(list["kind"], "PodMetricsList");
  EXPECT_EQ(list["apiVersion"], "metrics.k8s.io/v1beta1");
  EXPECT_THAT(names("/pods"), ElementsAre("web-1", "web-2", "job"));
  EXPECT_THAT(names("/namespaces/default/pods"), ElementsAre("web-1", "web-2"));
  EXPECT_THAT(names("/pods?labelSelector=app%21%3Dweb"), ElementsAre("job"));
  EXPECT_THAT(names("/pods?fieldSelector=metadata.name%3Dweb-2"), ElementsAre("web-2"));
  EXPECT_THAT(names("/nodes"), ElementsAre());
  EXPECT_EQ(api_.get(kGroup + "/namespaces/default/pods/web-1").body,
            pod_metrics("default", "web-1", "web"));
  const auto absent = api_.get(kGroup + "/namespaces/other/pods/web-1");
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(absent.message(), "pods.metrics.k8s.io \"web-1\" not found");
  EXPECT_EQ(api_.get(kGroup + "/pods?labelSelector=%3D%3D").status, 400);
}

TEST_F(ComputedKinds, ShowAsATable) {
  const auto table = api_.call("GET", kGroup + "/namespaces/default/pods", "",
                               {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}});
  EXPECT_EQ(table.body["kind"], "Table");
  EXPECT_EQ(table.body["rows"][0]["cells"], Json::parse(R"(["web-1","251500u","2Mi","15s"])"));
}

TEST_F(ComputedKinds, CannotBeWrittenOrWatched) {
  const std::string pods = kGroup + "/namespaces/default/pods";
  EXPECT_EQ(api_.post(pods, pod_metrics("default", "x", "x")).status, 405);
  EXPECT_EQ(api_.put(pods + "/web-1", pod_metrics("default", "web-1", "x")).status, 405);
  EXPECT_EQ(api_.remove(pods + "/web-1").status, 405);
  EXPECT_EQ(api_.remove(pods).status, 405);
  EXPECT_EQ(api_.get(pods + "?watch=true").status, 405);
  EXPECT_EQ(api_.get(pods + "/web-1/status").status, 404);
  EXPECT_EQ(api_.get(kGroup + "/pods/web-1").status, 404);
  EXPECT_EQ(api_.get(kGroup + "/namespaces/default/nodes").status, 404);
}

TEST_F(ComputedKinds, AreUnavailableWhileTheirSourceIs) {
  source_.error = unavailable("the node is not running");
  const auto reply = api_.get(kGroup + "/pods");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.message(), "the node is not running");
}

TEST_F(ComputedKinds, AreDiscoveredAndDocumented) {
  const Json resources = api_.get(kGroup).body["resources"];
  ASSERT_EQ(resources.size(), 2u);
  EXPECT_EQ(resources[1]["name"], "pods");
  EXPECT_EQ(resources[1]["kind"], "PodMetrics");
  EXPECT_EQ(resources[1]["verbs"], Json::parse(R"(["get","list"])"));
  const Json document = api_.get("/openapi/v3/apis/metrics.k8s.io/v1beta1").body;
  const Json& path = document["paths"]["/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"];
  EXPECT_TRUE(path.contains("get"));
  EXPECT_FALSE(path.contains("post"));
}

TEST(ComputedKindsWithoutSource, AreNotServed) {
  ApiFixture api;
  EXPECT_EQ(api.get(kGroup).status, 404);
  EXPECT_EQ(api.get(kGroup + "/pods").status, 404);
  const Json groups = api.get("/apis").body;
  EXPECT_EQ(groups.dump().find("metrics.k8s.io"), std::string::npos);
}

}  // namespace
}  // namespace nacelle::kube
