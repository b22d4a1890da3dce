#include "control/core/pod/environment.h"

#include <gtest/gtest.h>

#include "control/core/pod/expansion.h"
#include "control/core/pod/path_translation.h"

namespace nacelle::control::pod {
namespace {

TEST(Expansion, FollowsTheTableOfKubernetes) {
  const StringMap variables = {{"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}};
  struct Row {
    const char* text;
    const char* expanded;
  };
  constexpr Row kRows[] = {
      {"", ""},
      {"plain", "plain"},
      {"$(A)", "1"},
      {"x$(A)y$(A)", "x1y1"},
      {"what is put in is not read again: $(B)", "what is put in is not read again: $(A)"},
      {"$$(A)", "$(A)"},
      {"$$$(A)", "$1"},
      {"$$$$(A)", "$$(A)"},
      {"$(UNKNOWN)", "$(UNKNOWN)"},
      {"$(A", "$(A"},
      {"$A", "$A"},
      {"cost: 5$", "cost: 5$"},
      {"$$", "$"},
      {"$(EMPTY)|", "|"},
      {"$($(A))", "$(1)"},
      {"$()", "$()"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(expand(row.text, variables), row.expanded) << row.text;
    EXPECT_EQ(expand(escaped(row.text), variables), row.text);
  }
}

class FakeSource final : public ConfigSource {
 public:
  std::map<std::string, std::shared_ptr<const StringMap>> objects;  // "configmap/name"
  std::vector<ServiceInfo> all_services;

  std::shared_ptr<const StringMap> config(ConfigKind kind, std::string_view,
                                          std::string_view name) const override {
    const auto found = objects.find(fmt::format("{}/{}", to_string(kind), name));
    return found == objects.end() ? nullptr : found->second;
  }
  std::vector<ServiceInfo> services(std::string_view) const override { return all_services; }
};

PodSpec pod_with(const char* container) {
  Json object =
      Json::parse(R"({"metadata":{"name":"p","namespace":"ns","uid":"u1","labels":{"app":"x"},
      "annotations":{"note":"two\nlines \"here\""}},"spec":{"serviceAccountName":"robot"}})");
  object["spec"]["containers"] = Json::array({Json::parse(container)});
  Result<PodSpec> spec = parse_pod(object);
  EXPECT_TRUE(spec.ok()) << spec.error().to_string();
  return *spec;
}

const PodPlace kPlace{"127.64.0.5", "127.0.0.1", "node-a", {{"cpu", Quantity(8)}}};

TEST(Environment, ResolvesEverySource) {
  FakeSource source;
  source.objects["configmap/settings"] = std::make_shared<const StringMap>(
      StringMap{{"COLOR", "red"}, {"SIZE", "9"}, {"bad key", "x"}});
  source.objects["secret/keys"] = std::make_shared<const StringMap>(StringMap{{"token", "s3cret"}});
  source.all_services = {{"my-svc", "127.127.0.9", {{"http", "TCP", 80}, {"", "UDP", 53}}},
                         {"headless", "None", {{"", "TCP", 1}}}};
  const PodSpec spec = pod_with(R"json({"name":"c","image":"i",
    "resources":{"limits":{"memory":"1536Mi"}},
    "envFrom":[{"configMapRef":{"name":"settings"}},{"prefix":"S_","secretRef":{"name":"keys"}},
               {"configMapRef":{"name":"absent","optional":true}}],
    "env":[{"name":"COLOR","value":"blue"},{"name":"BOTH","value":"$(COLOR)-$(SIZE)-$(LATER)"},
           {"name":"LATER","value":"l"},{"name":"HOST","value":"$(MY_SVC_SERVICE_HOST)"},
           {"name":"NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
           {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
           {"name":"APP","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
           {"name":"MEM","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1Gi"}}},
           {"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},
           {"name":"KEY","valueFrom":{"secretKeyRef":{"name":"keys","key":"token"}}},
           {"name":"NOKEY","valueFrom":{"secretKeyRef":{"name":"keys","key":"other","optional":true}}}]})json");
  const Result<Environment> made = container_environment(spec, spec.containers[0], kPlace, source);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  const StringMap expected = {
      {"APP", "x"},
      {"BOTH", "blue-9-$(LATER)"},
      {"COLOR", "blue"},
      {"CPU", "8"},
      {"HOST", "127.127.0.9"},
      {"IP", "127.64.0.5"},
      {"KEY", "s3cret"},
      {"LATER", "l"},
      {"MEM", "2"},
      {"NAME", "p"},
      {"SIZE", "9"},
      {"S_token", "s3cret"},
      {"MY_SVC_SERVICE_HOST", "127.127.0.9"},
      {"MY_SVC_SERVICE_PORT", "80"},
      {"MY_SVC_SERVICE_PORT_HTTP", "80"},
      {"MY_SVC_PORT", "tcp://127.127.0.9:80"},
      {"MY_SVC_PORT_80_TCP", "tcp://127.127.0.9:80"},
      {"MY_SVC_PORT_80_TCP_PROTO", "tcp"},
      {"MY_SVC_PORT_80_TCP_PORT", "80"},
      {"MY_SVC_PORT_80_TCP_ADDR", "127.127.0.9"},
      {"MY_SVC_PORT_53_UDP", "udp://127.127.0.9:53"},
      {"MY_SVC_PORT_53_UDP_PROTO", "udp"},
      {"MY_SVC_PORT_53_UDP_PORT", "53"},
      {"MY_SVC_PORT_53_UDP_ADDR", "127.127.0.9"},
  };
  EXPECT_EQ(made->variables, expected);
  EXPECT_EQ(made->skipped, std::vector<std::string>{"bad key"});
}

TEST(Environment, MissingObjectsAndKeysSayWhich) {
  FakeSource source;
  source.objects["configmap/settings"] = std::make_shared<const StringMap>();
  struct Row {
    const char* container;
    const char* message;
    Code code;
  };
  constexpr Row kRows[] = {
      {R"({"name":"c","envFrom":[{"configMapRef":{"name":"gone"}}]})",
       "configmap \"gone\" not found", Code::kFailedPrecondition},
      {R"({"name":"c","env":[{"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]})",
       "environment variable K: secret \"s\" not found", Code::kFailedPrecondition},
      {R"({"name":"c","env":[{"name":"K","valueFrom":{"configMapKeyRef":{"name":"settings","key":"k"}}}]})",
       "environment variable K: couldn't find key k in configmap ns/settings",
       Code::kFailedPrecondition},
      {R"({"name":"c","env":[{"name":"K","valueFrom":{"fieldRef":{"fieldPath":"status.phase"}}}]})",
       "environment variable K: field 'status.phase' is not one that a pod can refer to",
       Code::kInvalidArgument},
      {R"({"name":"c","env":[{"name":"K","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","containerName":"z"}}}]})",
       "environment variable K: resource 'limits.cpu' is asked of container 'z', which the pod has "
       "not",
       Code::kInvalidArgument},
  };
  for (const Row& row : kRows) {
    const PodSpec spec = pod_with(row.container);
    const auto made = container_environment(spec, spec.containers[0], kPlace, source);
    ASSERT_FALSE(made.ok()) << row.container;
    EXPECT_EQ(made.error().message(), row.message);
    EXPECT_EQ(made.error().code(), row.code);
  }
}

TEST(Environment, WithoutServiceLinksOnlyKubernetesIsKnown) {
  FakeSource source;
  source.all_services = {{"a", "127.127.0.1", {{"", "TCP", 1}}},
                         {"kubernetes", "127.127.0.2", {{"https", "TCP", 443}}}};
  PodSpec spec = pod_with(R"({"name":"c"})");
  spec.service_links = false;
  const auto made = container_environment(spec, spec.containers[0], kPlace, source);
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->variables.contains("A_SERVICE_HOST"));
  EXPECT_EQ(made->variables.at("KUBERNETES_SERVICE_PORT_HTTPS"), "443");
}

TEST(PodFacts, WholeMapsAreEscapedSortedLines) {
  PodSpec spec = pod_with(R"({"name":"c"})");
  spec.labels = {{"b", "2"}, {"a", "1"}};
  EXPECT_EQ(*field_value(spec, kPlace, "metadata.labels"), "a=\"1\"\nb=\"2\"");
  EXPECT_EQ(*field_value(spec, kPlace, "metadata.annotations"),
            "note=\"two\\nlines \\\"here\\\"\"");
}

TEST(PathTranslation, ReplacesWholePathsOnly) {
  const PathTranslation translation(
      {{"/mnt/models", "/d/models"}, {"/mnt/models/base", "/d/base"}, {"/home", "/d/home"}});
  struct Row {
    const char* text;
    const char* translated;
  };
  constexpr Row kRows[] = {
      {"/mnt/models", "/d/models"},
      {"/mnt/models/", "/d/models/"},
      {"/mnt/models/base/x", "/d/base/x"},
      {"/mnt/models2", "/mnt/models2"},
      {"--model=/mnt/models/a", "--model=/d/models/a"},
      {"/x/mnt/models", "/x/mnt/models"},
      {"PATH=/home/bin:/home:/usr", "PATH=/d/home/bin:/d/home:/usr"},
      {"vllm serve /mnt/models --port 8000", "vllm serve /d/models --port 8000"},
      {"cd '/mnt/models'; ls \"/home\"", "cd '/d/models'; ls \"/d/home\""},
      {"", ""},
  };
  for (const Row& row : kRows) EXPECT_EQ(translation.apply(row.text), row.translated) << row.text;
}

}  // namespace
}  // namespace nacelle::control::pod
