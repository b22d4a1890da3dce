#include "control/core/llmd/pool_status.h"

#include <algorithm>
#include <map>
#include <utility>

#include "control/core/llmd/admission.h"
#include "control/core/llmd/pool_memory.h"
#include "control/core/llmd/service_form.h"
#include "kube/conditions.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::llmd {
namespace {

using kube::Conditions;
using kube::number_at;
using kube::text_at;

constexpr std::int64_t kCoolDownSeconds = 60;
constexpr std::int64_t kBatchSeconds = 15;  // between two evictions of a pool
constexpr std::int64_t kPressureSeconds = 10;

bool names_service(const Json& pool, const std::string& service) {
  const Json& services = kube::list_at(pool, {"spec", "services"});
  return std::any_of(services.begin(), services.end(),
                     [&](const Json& one) { return text_at(one, {"name"}) == service; });
}

// Of several pools that name a service the oldest has it.
const Json* pool_of(const std::string& service, const std::vector<Json>& pools) {
  const Json* first = nullptr;
  for (const Json& pool : pools) {
    if (kube::is_being_deleted(pool) || !names_service(pool, service)) continue;
    const auto age = [](const Json& of) {
      return std::pair(text_at(of, {"metadata", "creationTimestamp"}), kube::key_of(of).name);
    };
    if (first == nullptr || age(pool) < age(*first)) first = &pool;
  }
  return first;
}

const Json* entry_of(const Json& pool, const std::string& service) {
  for (const Json& entry : kube::list_at(pool, {"status", "services"})) {
    if (text_at(entry, {"name"}) == service) return &entry;
  }
  return nullptr;
}

// The condition, when it has that status.
const Json* condition_of(const Json& service, std::string_view type, std::string_view status) {
  for (const Json& condition : kube::list_at(service, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type && text_at(condition, {"status"}) == status) {
      return &condition;
    }
  }
  return nullptr;
}

// Seconds since a time that stands in an object; nothing when it is none, or still to come: the
// clock has gone back, and nobody knows.
std::optional<std::int64_t> seconds_since(std::string_view time, std::int64_t now_s) {
  const auto then = kube::parse_timestamp(time);
  if (!then || *then > now_s) return std::nullopt;
  return now_s - *then;
}

std::int64_t count_of(const std::vector<NodeDevices>& devices) {
  std::int64_t out = 0;
  for (const NodeDevices& one : devices) out += one.count;
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

class PoolDecider {
 public:
  PoolDecider(const Json& pool, const PoolObserved& observed)
      : pool_(pool),
        observed_(observed),
        spec_(parse_pool(pool)),
        budget_(spec_.budget.value_or(count_of(observed.devices))),
        conditions_(kube::list_at(pool, {"status", "conditions"}),
                    kube::timestamp(observed.now_s)) {}

  Decision run() {
    if (kube::is_being_deleted(pool_)) return {};
    resolve();
    std::vector<PoolShare> shares = allocate(members_, budget_, spec_.eviction, may_evict());
    memory_ = validate_pool(needs_, observed_.devices, budget_);
    fit_shares(members_, needs_, observed_.devices, shares);
    grant(members_, budget_, shares);
    tell_resolution();
    tell_budget(shares);
    conditions_.set(memory_.condition);
    write_status(shares);
    return std::move(decision_);
  }

 private:
  // Those that are the pool's.
  [[nodiscard]] std::vector<Json> own_services() const {
    std::vector<Json> out;
    for (const PoolService& member : members_) {
      const Json* service = service_of(member.name);
      if (service != nullptr && !kube::is_being_deleted(*service)) out.push_back(*service);
    }
    return out;
  }

  const Json* service_of(const std::string& name) const {
    for (const Json& service : observed_.services) {
      if (kube::key_of(service).name == name) return &service;
    }
    return nullptr;
  }

  void resolve() {
    for (PoolService member : spec_.services) {
      const Json* service = service_of(member.name);
      if (service == nullptr) {
        missing_.push_back(member.name);
        continue;
      }
      const Json* owner = pool_of(member.name, observed_.pools);
      if (owner != nullptr && kube::key_of(*owner).name != kube::key_of(pool_).name) {
        foreign_.push_back(member.name + " is in " + kube::key_of(*owner).name);
        continue;
      }
      fill(member, *service);
      const auto model = observed_.models.find(member.name);
      needs_.push_back(
          need_of(*service, model == observed_.models.end() ? ModelFacts() : model->second));
      members_.push_back(std::move(member));
    }
  }

  void fill(PoolService& member, const Json& service) {
    member.gpus = devices_of(service);
    const auto written = number_at(service, {"spec", "replicas"}).value_or(1);
    member.demand = number_at(service, {"status", "demand"}).value_or(written);
    member.min_replicas = number_at(service, {"spec", "autoscaling", "minReplicas"}).value_or(0);
    for (const Json& pod : observed_.pods) count(pod, member);
    const auto in_flight = observed_.in_flight.find(member.name);
    if (in_flight != observed_.in_flight.end()) member.in_flight = in_flight->second;
    member.under_pressure = is_pressed(service, member);
    const Json* entry = entry_of(pool_, member.name);
    if (entry == nullptr) return;
    member.granted = number_at(*entry, {"allocated"});
    const auto since = seconds_since(text_at(*entry, {"lastEvictionTime"}), observed_.now_s);
    if (!since || *since >= kCoolDownSeconds) return;
    member.cooling_down = true;
    decision_.look_again(std::chrono::seconds(kCoolDownSeconds - *since));
  }

  // Whoever waits for a node, runs or ends holds its GPUs until it is gone.
  void count(const Json& pod, PoolService& member) const {
    const Json& labels = kube::map_at(pod, {"metadata", "labels"});
    if (text_at(labels, {"app.kubernetes.io/name"}) != member.name) return;
    if (text_at(labels, {"kserve.io/component"}) != "workload") return;
    const std::string_view phase = text_at(pod, {"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed") return;
    ++(kube::is_being_deleted(pod) ? member.ending : member.live);
    if (kube::is_ready(pod)) ++member.ready;
    const auto made = kube::parse_timestamp(text_at(pod, {"metadata", "creationTimestamp"}));
    if (made) member.newest = std::max(member.newest, *made);
  }

  // For ten seconds more requests wait than it wants to, or, where nobody counts requests, nobody
  // answers them.
  bool is_pressed(const Json& service, const PoolService& member) {
    const Json* since = condition_of(service, "QueueAboveTarget", "True");
    const bool measured = kube::find(service, {"spec", "autoscaling"}) != nullptr;
    if (since == nullptr && !measured && member.demand > 0 && member.ready == 0) {
      since = condition_of(service, "WorkloadsReady", "False");
    }
    if (since == nullptr) return false;
    const std::int64_t seconds =
        seconds_since(text_at(*since, {"lastTransitionTime"}), observed_.now_s)
            .value_or(kPressureSeconds);
    if (seconds >= kPressureSeconds) return true;
    decision_.look_again(std::chrono::seconds(kPressureSeconds - seconds));
    return false;
  }

  // One batch at a time: what it frees must have had its effect before the next one.
  MayEvict may_evict() {
    if (spec_.eviction != Eviction::kLowPriority) return MayEvict::kNo;
    for (const Json& entry : kube::list_at(pool_, {"status", "services"})) {
      const auto since = seconds_since(text_at(entry, {"lastEvictionTime"}), observed_.now_s);
      if (!since || *since >= kBatchSeconds) continue;
      decision_.look_again(std::chrono::seconds(kBatchSeconds - *since));
      return MayEvict::kNo;
    }
    return MayEvict::kYes;
  }

  void tell_resolution() {
    if (foreign_.empty()) {
      conditions_.set({"Accepted", "True", "Accepted", ""});
    } else {
      conditions_.set({"Accepted", "False", "ServiceInOtherPool", joined(foreign_)});
    }
    if (missing_.empty()) {
      conditions_.set({"ServicesResolved", "True", "ResolvedRefs", ""});
    } else {
      conditions_.set({"ServicesResolved", "False", "ServiceNotFound",
                       "no LLMInferenceService of this namespace: " + joined(missing_)});
    }
  }

  void tell_budget(const std::vector<PoolShare>& shares) {
    std::vector<std::string> short_of;
    std::vector<std::string> waiting;
    for (const PoolShare& share : shares) {
      if (share.unmet > share.waits) {
        short_of.push_back(share.name + " wants " + std::to_string(share.unmet - share.waits) +
                           " more");
      }
      if (share.waits > 0) {
        waiting.push_back(share.name + " waits for " + std::to_string(share.waits) +
                          " that replicas which end still hold");
      }
    }
    if (short_of.empty() && waiting.empty()) {
      conditions_.set({"BudgetSatisfied", "True", "WithinBudget", ""});
      return;
    }
    const std::string reason = short_of.empty() ? "WaitingForGpus" : "DemandAboveBudget";
    short_of.insert(short_of.end(), waiting.begin(), waiting.end());
    conditions_.set({"BudgetSatisfied", "False", reason,
                     "of " + std::to_string(budget_) + " GPUs: " + joined(short_of)});
  }

  Json entry_for(const PoolShare& share) {
    const Json* before = entry_of(pool_, share.name);
    Json out = {{"name", share.name},
                {"entitlement", share.entitlement},
                {"allocated", share.allocated},
                {"borrowed", share.borrowed},
                {"unmetReplicas", share.unmet}};
    std::int64_t total = before ? number_at(*before, {"evictionsTotal"}).value_or(0) : 0;
    const std::int64_t had =
        before ? number_at(*before, {"allocated"}).value_or(0) : share.allocated;
    if (before != nullptr && before->contains("lastEvictionTime")) {
      out["lastEvictionTime"] = (*before)["lastEvictionTime"];
    }
    // Of what it had; loans that go back beside are no evictions.
    const std::int64_t evicted = std::min(share.evicted, had - share.allocated);
    if (evicted > 0) {
      total += evicted;
      out["lastEvictionTime"] = kube::timestamp(observed_.now_s);
      decision_.actions.push_back(RecordEvent{
          target_of(pool_), "Warning", "Evicted",
          share.name + " gives " + std::to_string(evicted) + " replica(s) to a higher priority"});
    }
    out["evictionsTotal"] = total;
    if (const auto refusal = memory_.refusals.find(share.name); refusal != memory_.refusals.end()) {
      out["message"] = refusal->second;
    }
    return out;
  }

  void write_status(const std::vector<PoolShare>& shares) {
    Json status = kube::map_at(pool_, {"status"});
    if (observed_.front)
      publish_pool(pool_, own_services(), *observed_.front, status, conditions_, decision_);
    Json list = Json::array();
    std::int64_t allocated = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      list.push_back(entry_for(shares[i]));
      allocated += shares[i].allocated * members_[i].gpus;
    }
    status["services"] = std::move(list);
    status["gpuBudget"] = budget_;
    status["gpusAllocated"] = allocated;
    bool ready = true;
    for (const char* type : {"Accepted", "ServicesResolved", "VRAMValidated"}) {
      ready = ready && conditions_.status(type) != "False";
    }
    conditions_.set({"Ready", ready ? "True" : "False", ready ? "Allocated" : "NotAccepted", ""});
    status["conditions"] = conditions_.list();
    if (const auto generation = number_at(pool_, {"metadata", "generation"})) {
      status["observedGeneration"] = *generation;
    }
    if (status == kube::map_at(pool_, {"status"})) return;
    Json updated = pool_;
    updated["status"] = std::move(status);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const Json& pool_;
  const PoolObserved& observed_;
  const PoolSpec spec_;
  const std::int64_t budget_;
  Conditions conditions_;
  std::vector<PoolService> members_;
  std::vector<Need> needs_;  // of the members
  PoolMemory memory_;
  std::vector<std::string> missing_, foreign_;
  Decision decision_;
};

}  // namespace

Decision decide_pool(const Json& pool, const PoolObserved& observed) {
  return PoolDecider(pool, observed).run();
}

std::optional<std::int64_t> allowed_replicas(const Json& service, const std::vector<Json>& pools) {
  const std::string name = kube::key_of(service).name;
  const Json* pool = pool_of(name, pools);
  if (pool == nullptr) return std::nullopt;
  const Json* entry = entry_of(*pool, name);
  return entry == nullptr ? std::nullopt : number_at(*entry, {"allocated"});
}

std::string refusal_of(const Json& service, const std::vector<Json>& pools) {
  const std::string name = kube::key_of(service).name;
  const Json* pool = pool_of(name, pools);
  const Json* entry = pool == nullptr ? nullptr : entry_of(*pool, name);
  const std::string_view message =
      entry == nullptr ? std::string_view() : text_at(*entry, {"message"});
  return message.empty() ? "" : "in pool " + kube::key_of(*pool).name + ": " + std::string(message);
}

PoolFigures figures_of(const Json& pool, const std::vector<Json>& services) {
  PoolFigures out;
  out.budget = number_at(pool, {"status", "gpuBudget"}).value_or(0);
  for (const Json& entry : kube::list_at(pool, {"status", "services"})) {
    PoolFigures::Service one;
    one.name = text_at(entry, {"name"});
    const auto service = std::find_if(services.begin(), services.end(), [&](const Json& each) {
      return kube::key_of(each).name == one.name;
    });
    one.gpus = number_at(entry, {"allocated"}).value_or(0) *
               (service == services.end() ? 1 : devices_of(*service));
    one.entitlement = number_at(entry, {"entitlement"}).value_or(0);
    one.evictions = number_at(entry, {"evictionsTotal"}).value_or(0);
    out.services.push_back(std::move(one));
  }
  return out;
}

}  // namespace nacelle::control::llmd
