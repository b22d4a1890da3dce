#include "control/core/kserve/testing/canary_story.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/admission.h"
#include "control/core/kserve/canary.h"
#include "control/core/kserve/canary_objects.h"
#include "kube/time.h"

namespace nacelle::control::kserve::testing {

using kube::text_at;

namespace {

Json J(std::string_view text) { return Json::parse(text); }

void run_others(World& world, Surroundings& around) {
  world.finish_deletions();
  if (around.sets_work) run_sets(world);
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

Story::Story(const Json& service, DecideService decide)
    : world([this](World& w) { return deciders(w); }, [this](World& w) { run_others(w, around); }),
      decide_(std::move(decide)) {
  Json made = service;
  if (!decide_) {
    default_service(made);
    decide_ = [](const World& w, const Json& stored, const Surroundings& beside) {
      return decide_alone(stored, observe(w, stored, beside));
    };
  }
  world.add(std::move(made));
}

std::vector<World::Decider> Story::deciders(World& of) {
  std::vector<World::Decider> out;
  out.push_back([this, &of] {
    const Json* stored = of.find("LLMInferenceService", "chat");
    return stored == nullptr ? Decision{} : decide_(of, *stored, around);
  });
  add_neighbours(of, out);
  return out;
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

namespace {

// The workload of one of these names, with the pod that answers.
std::string text_of(World& world, const char* alone, const char* on_nodes, bool with_replicas) {
  const Json* workload = world.find("Deployment", alone);
  if (workload == nullptr) workload = world.find("LeaderWorkerSet", on_nodes);
  if (workload == nullptr) return "none";
  const Json& pods = workload_template(*workload);
  const std::string image =
      image_of(pods.contains("leaderTemplate") ? pods["leaderTemplate"] : pods);
  return with_replicas ? (*workload)["spec"]["replicas"].dump() + "x" + image : image;
}

}  // namespace

std::string Story::canary() {
  return text_of(world, "chat-kserve-canary", "chat-kserve-mn-canary", true);
}

std::string Story::stable_image() { return text_of(world, "chat-kserve", "chat-kserve-mn", false); }

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
  world.edit("LLMInferenceService", "chat", [&](Json& object) {
    Json& spec = object["spec"];
    const bool engine = spec.contains("engine");
    (engine ? spec["engine"] : spec["template"]["containers"][0])["image"] = image;
  });
}

void Story::second() {
  run_others(world, around);
  for (const auto& decide : deciders(world)) {
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

std::vector<std::string> Story::watch_readiness(int seconds) {
  std::vector<std::string> out;
  for (int i = 0; i < seconds; ++i) {
    second();
    std::string seen = scene();
    if (condition("Ready", "status") != "True")
      seen += ", not ready: " + condition("Ready", "message");
    if (out.empty() || out.back() != seen) out.push_back(seen);
  }
  return out;
}

const std::vector<std::string>& scenes_of_promotion() {
  static const std::vector<std::string> kScenes = {
      "1 canary 1xtwo stable one",     "90/10 canary 1xtwo stable one",
      "90/10 canary 2xtwo stable one", "50/50 canary 2xtwo stable one",
      "50/50 canary 2xtwo stable two", "1 canary 2xtwo stable two",
      "1 canary none stable two"};
  return kScenes;
}

bool Story::wait_for(const std::string& wanted) {
  for (int i = 0; i < 300 && weights() != wanted; ++i) second();
  return weights() == wanted;
}

Json essence(Story& story) {
  Json out;
  out["scene"] = story.scene();
  out["condition"] = {story.canary_condition("status"), story.canary_condition()};
  out["ready"] = story.condition("Ready", "status");
  const Json* service = story.world.find("LLMInferenceService", "chat");
  out["outcome"] = text_at(*service, {"status", "annotations", kCanaryOutcome});
  for (const char* kind :
       {"Deployment", "LeaderWorkerSet", "InferencePool", "Service", "HTTPRoute"}) {
    for (const Json& object : story.world.of(kind)) out[kind].push_back(kube::key_of(object).name);
    std::sort(out[kind].begin(), out[kind].end());
  }
  std::vector<std::string> pods;
  for (const Json& pod : story.world.of("Pod")) pods.push_back(image_of(pod));
  std::sort(pods.begin(), pods.end());
  out["pods"] = pods;
  return out;
}

std::vector<Plot> plots() {
  return {{.image = "two"},
          {.image = "two", .errors = true},
          {.image = "two", .gives_up = true},
          {.image = "broken"},
          {.image = "broken", .gives_up = true},
          {.image = "slow"},
          {.image = "one"},
          {.image = "two", .jump = 3600},
          {.image = "two", .jump = -3600},
          {.image = "two", .errors = true, .jump = -3600},
          {.image = "broken", .jump = 3600},
          {.image = "broken", .jump = -3600}};
}

bool live(const Plot& plot, std::mt19937* dice, Story& story) {
  if (!story.settle()) return false;
  if (plot.errors) story.around.every_second = PoolTraffic{10, 5};
  story.set_image(plot.image);
  if (dice != nullptr) {
    story.world.stumble(*dice, 150);
    story.world.now += plot.jump;
  }
  if (plot.gives_up)
    story.change(R"({"metadata":{"annotations":{"nacelle.dev/canary-steps":null}}})");
  if (dice != nullptr) story.world.stumble(*dice, 100);
  return story.settle();
}

}  // namespace nacelle::control::kserve::testing
