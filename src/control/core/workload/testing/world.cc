#include "control/core/workload/testing/world.h"

#include <algorithm>
#include <set>

#include "kube/time.h"

namespace nacelle::control::workload::testing {
namespace {

bool is_of_cluster(std::string_view kind) {
  return kind == "PersistentVolume" || kind == "StorageClass" || kind == "Node" ||
         kind == "ClusterRoleBinding";
}

// `stored` with what `now` says; what only `before` said goes.
void lay(Json& stored, const Json& before, const Json& now) {
  if (!stored.is_object() || !now.is_object()) {
    stored = now;
    return;
  }
  if (before.is_object()) {
    for (const auto& [key, value] : before.items()) {
      if (!now.contains(key)) stored.erase(key);
    }
  }
  for (const auto& [key, value] : now.items()) {
    lay(stored[key], before.is_object() ? before.value(key, Json()) : Json(), value);
  }
}

}  // namespace

Json& World::add(Json object) {
  const std::string kind = object.value("kind", "");
  Json& metadata = object["metadata"];
  metadata["uid"] = "uid-" + std::to_string(++uids_);
  if (!is_of_cluster(kind)) metadata["namespace"] = "n";
  metadata["generation"] = 1;
  metadata["creationTimestamp"] = kube::timestamp(now);
  touch(object);
  objects_.push_back(std::move(object));
  return objects_.back();
}

void World::touch(Json& stored) {
  stored["metadata"]["resourceVersion"] = std::to_string(++versions_);
}

std::vector<Json> World::of(std::string_view kind) const {
  std::vector<Json> out;
  for (const Json& object : objects_) {
    if (kube::text_at(object, {"kind"}) == kind) out.push_back(object);
  }
  return out;
}

Json* World::find(std::string_view kind, std::string_view name) {
  for (Json& object : objects_) {
    if (kube::text_at(object, {"kind"}) == kind && kube::key_of(object).name == name) {
      return &object;
    }
  }
  return nullptr;
}

void World::edit(std::string_view kind, std::string_view name,
                 const std::function<void(Json&)>& change) {
  Json* stored = find(kind, name);
  if (stored == nullptr) return;
  Json changed = *stored;
  change(changed);
  const bool status = changed.value("status", Json()) != stored->value("status", Json());
  if (!status && changed == *stored) return;
  const Json wanted_status = changed.value("status", Json());
  (void)write(changed, false);
  stored = find(kind, name);
  if (stored != nullptr && status) (*stored)["status"] = wanted_status;
}

void World::remove(std::string_view kind, std::string_view name) {
  if (Json* stored = find(kind, name); stored != nullptr) request_deletion(*stored);
}

bool World::carry_out(const Action& action) {
  if (const auto* event = std::get_if<RecordEvent>(&action)) {
    events.push_back(*event);
    return true;
  }
  ++writes;
  if (const auto* create = std::get_if<Create>(&action)) {
    const Target target = target_of(create->object);
    if (find(target.kind, target.name) == nullptr) add(create->object);
    return true;
  }
  if (const auto* applied = std::get_if<Apply>(&action)) {
    apply(applied->object);
    return true;
  }
  if (const auto* update = std::get_if<Update>(&action)) return write(update->object, false);
  if (const auto* status = std::get_if<UpdateStatus>(&action)) return write(status->object, true);
  if (const auto* removal = std::get_if<Delete>(&action)) {
    Json* stored = find(removal->target.kind, removal->target.name);
    if (stored != nullptr && (*stored)["metadata"]["uid"] == removal->uid) {
      request_deletion(*stored);
    }
  }
  return true;
}

void World::apply(const Json& object) {
  const Json* stored = find(kube::text_at(object, {"kind"}), kube::key_of(object).name);
  if (stored == nullptr) {
    const Json& added = add(object);
    applied_[added["metadata"]["uid"].get<std::string>()] = object;
    return;
  }
  Json changed = *stored;
  Json& before = applied_[changed["metadata"]["uid"].get<std::string>()];
  lay(changed, before, object);
  before = object;
  if (changed != *stored) (void)write(changed, false);
}

bool World::write(const Json& object, bool status) {
  Json* stored = find(kube::text_at(object, {"kind"}), kube::key_of(object).name);
  if (stored == nullptr) return false;
  if (kube::version_of(object) != kube::version_of(*stored)) return false;
  if (status) {
    (*stored)["status"] = object["status"];
    touch(*stored);
    return true;
  }
  const Json old_spec = stored->value("spec", Json());
  const Json kept = stored->value("status", Json());
  const auto generation = (*stored)["metadata"]["generation"].get<int>();
  *stored = object;
  stored->erase("status");
  if (!kept.is_null()) (*stored)["status"] = kept;
  const bool changed = stored->value("spec", Json()) != old_spec;
  (*stored)["metadata"]["generation"] = generation + (changed ? 1 : 0);
  touch(*stored);
  if (kube::is_being_deleted(*stored) && kube::text_at(*stored, {"kind"}) != "Pod") {
    erase_if_free((*stored)["metadata"]["uid"]);
  }
  return true;
}

void World::request_deletion(Json& stored) {
  const std::string uid = stored["metadata"]["uid"];
  if (!kube::is_being_deleted(stored)) {
    stored["metadata"]["deletionTimestamp"] = kube::timestamp(now);
    touch(stored);
  }
  if (kube::text_at(stored, {"kind"}) != "Pod") erase_if_free(uid);
}

void World::erase_if_free(const std::string& uid) {
  std::erase_if(objects_, [&](const Json& object) {
    return object["metadata"]["uid"] == uid &&
           kube::list_at(object, {"metadata", "finalizers"}).empty();
  });
}

void World::finish_deletions() {
  std::set<std::string> alive;
  std::vector<std::string> ended;
  for (Json& object : objects_) {
    const bool pod = kube::text_at(object, {"kind"}) == "Pod";
    if (pod && kube::is_being_deleted(object)) {
      ended.push_back(object["metadata"]["uid"]);
      const std::string_view phase = kube::text_at(object, {"status", "phase"});
      if (phase != "Succeeded" && phase != "Failed") {  // its processes were ended
        object["status"]["phase"] = "Failed";
        touch(object);
      }
    }
  }
  for (const std::string& uid : ended) erase_if_free(uid);
  for (const Json& object : objects_) alive.insert(object["metadata"]["uid"]);
  std::vector<std::string> orphans;
  for (const Json& object : objects_) {
    const Json& owners = kube::list_at(object, {"metadata", "ownerReferences"});
    const bool held = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
      return alive.contains(std::string(kube::text_at(owner, {"uid"})));
    });
    if (!owners.empty() && !held) orphans.push_back(object["metadata"]["uid"]);
  }
  for (const std::string& uid : orphans) {
    const auto at = std::find_if(objects_.begin(), objects_.end(), [&](const Json& object) {
      return object["metadata"]["uid"] == uid;
    });
    if (at != objects_.end() && !kube::is_being_deleted(*at)) request_deletion(*at);
  }
}

bool World::settle(int rounds) {
  constexpr std::chrono::seconds kLongestWait{700};  // what waits longer is settled
  int quiet_rounds = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string before = text();
    others_(*this);
    bool quiet = text() == before;
    std::chrono::seconds wait = kLongestWait;
    for (const Decider& decide : deciders_(*this)) {
      const Decision decision = decide();
      if (decision.look_again_in) wait = std::min(wait, *decision.look_again_in);
      for (const Action& action : decision.actions) {
        quiet = quiet && std::holds_alternative<RecordEvent>(action);
        if (!carry_out(action)) break;
      }
    }
    if (quiet && wait < kLongestWait) {
      now += std::max<std::int64_t>(1, wait.count());
      quiet = false;
    }
    quiet_rounds = quiet ? quiet_rounds + 1 : 0;
    if (quiet_rounds == 2) return true;
    ++now;
  }
  return false;
}

void World::stumble(std::mt19937& random, int steps) {
  std::vector<Decision> late;  // made from what was there some steps ago
  for (int step = 0; step < steps; ++step) {
    auto all = deciders_(*this);
    Decision decision = all.empty() ? Decision{} : all[random() % all.size()]();
    if (random() % 4 == 0) {
      late.push_back(std::move(decision));
      decision = {};
      if (late.size() > 2) {
        decision = std::move(late.front());
        late.erase(late.begin());
      }
    }
    const std::size_t done = random() % (decision.actions.size() + 1);
    for (std::size_t i = 0; i < done; ++i) {
      if (!carry_out(decision.actions[i])) break;
    }
    if (random() % 3 == 0) others_(*this);
    now += random() % 2;
  }
}

int World::writes_to_settle() {
  writes = 0;
  for (const Decider& decide : deciders_(*this)) {
    for (const Action& action : decide().actions) (void)carry_out(action);
  }
  return writes;
}

}  // namespace nacelle::control::workload::testing
