#include "control/core/kserve/testing/canary_story.h"

#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/admission.h"
#include "kube/time.h"

namespace nacelle::control::kserve::testing {

using kube::text_at;

namespace {

Json J(std::string_view text) { return Json::parse(text); }

std::vector<World::Decider> deciders(World& world, const Surroundings& around) {
  std::vector<World::Decider> out;
  out.push_back([&] {
    const Json* stored = world.find("LLMInferenceService", "chat");
    return stored == nullptr ? Decision{} : decide_alone(*stored, observe(world, *stored, around));
  });
  add_neighbours(world, out);
  return out;
}

void run_others(World& world, Surroundings& around) {
  world.finish_deletions();
  run_workloads(world);
  if (around.gateway_works) accept_routes(world);
  if (!around.every_second) return;
  for (const Json& pool : world.of("InferencePool")) {
    PoolTraffic& traffic = around.counted[kube::key_of(pool).name];
    traffic.requests += around.every_second->requests;
    traffic.errors += around.every_second->errors;
  }
}

}  // namespace

Json canary_service(const char* more) {
  Json out = J(R"({"apiVersion":"serving.kserve.io/v1alpha2","kind":"LLMInferenceService",
    "metadata":{"name":"chat","annotations":{"nacelle.dev/canary-steps":"10,50",
      "nacelle.dev/canary-step-seconds":"30"}},
    "spec":{"model":{"uri":"pvc://models/tiny","name":"tiny"},"replicas":4,
      "template":{"containers":[{"name":"main","image":"one"}]},
      "router":{"route":{},"gateway":{},"scheduler":{}}}})");
  out.merge_patch(J(more));
  return out;
}

Observed observe(const World& world, const Json& service, const Surroundings& around) {
  Observed out;
  out.now = kube::timestamp(world.now);
  out.gateways = gateways();
  for (const Json& object : world.objects()) {
    if (controller_of(object) == text_at(service, {"metadata", "uid"}))
      out.children.push_back(object);
    if (text_at(object, {"metadata", "labels", "app.kubernetes.io/name"}) == "chat" &&
        text_at(object, {"kind"}) == "Pod") {
      out.pods.push_back(object);
    }
  }
  if (around.every_second) out.traffic = around.counted;
  return out;
}

Decision decide_alone(const Json& service, const Observed& observed) {
  const Lookup lookup = preset_lookup();
  Platform platform;
  platform.picker_in_gateway = true;
  return kserve::decide(service, {}, platform, lookup, observed);
}

Story::Story(const Json& service)
    : world([this](World& w) { return deciders(w, around); },
            [this](World& w) { run_others(w, around); }) {
  Json made = service;
  default_service(made);
  world.add(std::move(made));
}

std::string Story::scene() {
  return weights() + " canary " + canary() + " stable " + stable_image();
}

std::string Story::weights() {
  const Json* route = world.find("HTTPRoute", "chat-kserve-route");
  if (route == nullptr) return "none";
  std::string out;
  for (const Json& backend : (*route)["spec"]["rules"][0]["backendRefs"]) {
    out += (out.empty() ? "" : "/") + backend["weight"].dump();
  }
  return out;
}

std::string Story::canary() {
  const Json* deployment = world.find("Deployment", "chat-kserve-canary");
  if (deployment == nullptr) return "none";
  return (*deployment)["spec"]["replicas"].dump() + "x" +
         image_of((*deployment)["spec"]["template"]);
}

std::string Story::stable_image() {
  const Json* deployment = world.find("Deployment", "chat-kserve");
  return deployment == nullptr ? "none" : image_of((*deployment)["spec"]["template"]);
}

std::string Story::condition(std::string_view type, const char* field) {
  const Json* seen = world.find("LLMInferenceService", "chat");
  for (const Json& each : kube::list_at(*seen, {"status", "conditions"})) {
    if (each["type"] == type) return each.value(field, "");
  }
  return "absent";
}

std::vector<std::string> Story::events() const {
  std::vector<std::string> out;
  for (const RecordEvent& event : world.events) {
    if (event.about.kind == "LLMInferenceService") out.push_back(event.type + " " + event.reason);
  }
  return out;
}

void Story::change(const char* patch) {
  world.edit("LLMInferenceService", "chat", [&](Json& object) { object.merge_patch(J(patch)); });
}

void Story::set_image(const std::string& image) {
  world.edit("LLMInferenceService", "chat",
             [&](Json& object) { object["spec"]["template"]["containers"][0]["image"] = image; });
}

void Story::second() {
  run_others(world, around);
  for (const auto& decide : deciders(world, around)) {
    for (const Action& action : decide().actions) {
      if (!world.carry_out(action)) break;
    }
  }
  ++world.now;
}

std::vector<std::string> Story::watch(int seconds) {
  std::vector<std::string> out;
  for (int i = 0; i < seconds; ++i) {
    second();
    if (out.empty() || out.back() != scene()) out.push_back(scene());
  }
  return out;
}

bool Story::wait_for(const std::string& wanted) {
  for (int i = 0; i < 300 && weights() != wanted; ++i) second();
  return weights() == wanted;
}

}  // namespace nacelle::control::kserve::testing
