// What a spec says arrives in a container as it was written, though a pod reads $(NAME).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/core/kserve/combine.h"
#include "control/core/kserve/objects.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/pod/expansion.h"
#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

// A service whose every text refers to a variable that its containers have.
constexpr const char* kService = R"x(
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: chat, namespace: team, uid: u1}
spec:
  model:
    uri: hf://org/$(HOME)-$$
    name: a$(HOME)b$$c
    lora:
      adapters: [{name: x$(HOME), uri: hf://org/$(HOME)}]
  tracing:
    exporterEndpoint: "http://$(HOME):4317"
    exporter: $(HOME)
    sampler: $(HOME)
    samplerArg: $(HOME)
  template:
    containers:
    - name: main
      args: ["--model-of={{ .Spec.Model.Name }}", "--home=$(HOME)"]
      env: [{name: OWN, value: "$(HOME)/{{ .Spec.Model.Name }}"}]
      lifecycle: {preStop: {exec: {command: ["bye", "{{ .Spec.Model.Name }}"]}}}
      readinessProbe:
        httpGet: {path: /, port: 1, httpHeaders: [{name: x, value: "{{ .Spec.Model.Name }}"}]}
  router:
    route: {}
    gateway: {}
    scheduler:
      config: {inline: {plugins: [{type: queue-scorer, parameters: {note: $(HOME)}}]}}
)x";

Combined combined_of(const Json& service) {
  Lookup lookup;
  lookup.config = [](std::string_view, std::string_view name) -> const Json* {
    for (const Json& preset : presets()) {
      if (kube::key_of(preset).name == name) return &preset;
    }
    return nullptr;
  };
  Combined combined = combine(service, {}, lookup);
  EXPECT_TRUE(combined.ok()) << combined.message;
  return combined;
}

// The objects of the service on a cluster of other machines.
std::vector<Json> make_objects() {
  const Json service = *kube::json_of_yaml(kService);
  const Combined combined = combined_of(service);
  const GlobalConfig global;
  const Spec spec = parse_spec(combined.spec);
  const Platform platform;
  const Owner owner{service, spec, global, platform};
  std::vector<Json> out;
  for (auto make : {workload_objects, scheduler_objects}) {
    auto some = make(owner);
    EXPECT_TRUE(some.ok());
    if (some.ok()) out.insert(out.end(), some->begin(), some->end());
  }
  return out;
}

Json pod_of(std::string_view deployment) {
  for (const Json& object : make_objects()) {
    if (object["kind"] == "Deployment" && kube::key_of(object).name == deployment)
      return object["spec"]["template"]["spec"];
  }
  ADD_FAILURE() << "no " << deployment;
  return Json::object();
}

std::string arrives(const Json& text) {
  return pod::expand(text.get<std::string>(), {{"HOME", "/root"}});
}

std::string variable(const Json& container, std::string_view name) {
  for (const Json& each : kube::list_at(container, {"env"})) {
    if (each["name"] == name) return arrives(each["value"]);
  }
  return "absent";
}

bool has_argument(const Json& container, const std::string& wanted) {
  for (const Json& each : kube::list_at(container, {"args"})) {
    if (arrives(each) == wanted) return true;
  }
  return false;
}

TEST(Literals, NamesAndUrisOfAServiceReachItsContainers) {
  const Json pod = pod_of("chat-kserve");
  const Json& main = pod["containers"][0];
  EXPECT_EQ(variable(main, "SERVED_MODEL_NAME"), "a$(HOME)b$$c");
  EXPECT_EQ(variable(main, "PUBLISHED_MODEL_NAME"), "publishers/team/models/a$(HOME)b$$c");
  EXPECT_EQ(variable(main, "OTEL_TRACES_EXPORTER"), "$(HOME)");
  EXPECT_EQ(variable(main, "OTEL_TRACES_SAMPLER"), "$(HOME)");
  EXPECT_EQ(variable(main, "OTEL_TRACES_SAMPLER_ARG"), "$(HOME)");
  EXPECT_EQ(variable(main, "OTEL_EXPORTER_OTLP_ENDPOINT"), "http://$(HOME):4317");
  EXPECT_TRUE(has_argument(main, "'http://$(HOME):4317'")) << "in quotes of the entry's shell";
  const std::string module = R"x('{"name":"x$(HOME)","path":"/mnt/lora/x--HOME-"}')x";
  EXPECT_TRUE(has_argument(main, module)) << main["args"];
  const Json& init = pod["initContainers"][0];
  EXPECT_TRUE(has_argument(init, "hf://org/$(HOME)-$$"));
  EXPECT_TRUE(has_argument(init, "hf://org/$(HOME)"));
}

TEST(Literals, APickersConfigurationIsNotReadByItsPod) {
  const Json picker = pod_of("chat-kserve-router-scheduler")["containers"][0];
  const std::string config =
      R"x({"plugins":[{"parameters":{"note":"$(HOME)"},"type":"queue-scorer"}]})x";
  EXPECT_TRUE(has_argument(picker, config)) << picker["args"];
}

TEST(Literals, WhatTheUserWritesForAContainerIsReadAsKubernetesReadsIt) {
  const Json main = pod_of("chat-kserve")["containers"][0];
  EXPECT_TRUE(has_argument(main, "--home=/root"));
  EXPECT_TRUE(has_argument(main, "--model-of=a$(HOME)b$$c")) << "a template's value is literal";
  EXPECT_EQ(variable(main, "OWN"), "/root/a$(HOME)b$$c");
  // Pods do not read these.
  EXPECT_EQ(main["lifecycle"]["preStop"]["exec"]["command"][1], "a$(HOME)b$$c");
  EXPECT_EQ(main["readinessProbe"]["httpGet"]["httpHeaders"][0]["value"], "a$(HOME)b$$c");
}

TEST(Literals, ANameIsPercentEncodedInPathsOfARouteAndNotInItsHeaders) {
  Json service = *kube::json_of_yaml(kService);
  service["spec"]["model"]["name"] = "org/50% \xc3\xbc?";
  const Json spec = combined_of(service).spec;
  const std::string route = kube::map_at(spec, {"router", "route", "http", "spec"}).dump();
  EXPECT_NE(route.find("\"/publishers/team/models/org/50%25%20%C3%BC%3F\""), route.npos) << route;
  EXPECT_NE(route.find("\"publishers/team/models/org/50% \xc3\xbc?\""), route.npos) << route;
  EXPECT_EQ(route.find("/publishers/team/models/org/50% "), route.npos) << route;
}

}  // namespace
}  // namespace nacelle::control::kserve
