// eviction.cc: deletes a pod unless its budget forbids it.
//
// The budget pays first: its status is written with one disruption less, under the version that was
// read, and only then the pod is deleted. Of two evictions that come at once the second one sees
// what the first one left. A pod that is noted there and not deleted is given back to the budget by
// its controller.
#include <algorithm>

#include <fmt/format.h>

#include "kube/conditions.h"
#include "kube/schema/cells.h"
#include "kube/server/delete_rules.h"
#include "kube/server/selectors.h"
#include "kube/server/subresources.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

bool chooses(const Json& budget, const Json& pod) {
  const Json* selector = find(budget, {"spec", "selector"});
  if (selector == nullptr || !selector->is_object()) return false;
  if (selector->empty()) return true;  // every pod of the namespace
  auto labels = LabelSelector::parse(schema::selector_text(*selector));
  return labels.ok() && !labels->empty() && labels->matches(pod);
}

std::vector<ObjectPtr> budgets_of(State& state, const Json& pod) {
  ListQuery query{.name_space = std::string(text_at(pod, {"metadata", "namespace"}))};
  query.filter = [&](const StoredObject& budget) { return chooses(budget.json, pod); };
  auto listing = state.store->list("poddisruptionbudgets.policy", query);
  return listing.ok() ? std::move(listing->items) : std::vector<ObjectPtr>();
}

// Such a pod serves nobody, or goes already.
bool costs_nothing(const Json& pod) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  return is_being_deleted(pod) || phase == "Succeeded" || phase == "Failed" || phase == "Pending";
}

Failure too_many(const std::string& cause) {
  return make_failure(
      429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.",
      {{"causes", Json::array({{{"reason", "DisruptionBudget"}, {"message", cause}}})}});
}

// The budget with one disruption less, for `pod`.
Try<Json> charged(const Json& budget, const std::string& pod, const std::string& now) {
  const std::string_view name = text_at(budget, {"metadata", "name"});
  const auto number = [&](const char* field) {
    return number_at(budget, {"status", field}).value_or(0);
  };
  if (number("observedGeneration") < number_at(budget, {"metadata", "generation"}).value_or(0)) {
    return too_many(
        fmt::format("The disruption budget {} is still being processed by the server.", name));
  }
  const std::int64_t allowed = number("disruptionsAllowed");
  if (allowed <= 0) {
    return too_many(
        fmt::format("The disruption budget {} needs {} healthy pods and has {} "
                    "currently",
                    name, number("desiredHealthy"), number("currentHealthy")));
  }
  Json out = budget;
  Json& status = out["status"];
  status["disruptionsAllowed"] = allowed - 1;
  status["disruptedPods"][pod] = now;
  if (allowed == 1) {
    Conditions conditions(list_at(status, {"conditions"}), now);
    conditions.set({"DisruptionAllowed", "False", "InsufficientPods", ""});
    status["conditions"] = conditions.list();
  }
  return out;
}

// nullopt: paid, or the budget is gone.
async::Task<std::optional<Failure>> charge(State& state, const Call& call, ObjectKey budget,
                                           bool dry_run) {
  Call write = call;
  write.kind = call.registry->find("policy", "v1", "poddisruptionbudgets");
  write.resource.name = budget.name;
  write.resource.subresource.clear();
  const std::string now_text = timestamp(state.now_s());
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return Decision{.object = nullptr, .write = false};
    auto next = charged(now->json, call.resource.name, now_text);
    if (!next.ok()) return std::move(next.failure());
    return Decision{.object = std::move(*next)};
  };
  auto stored = co_await write_decided(state, write, std::move(decide), dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  co_return std::nullopt;
}

}  // namespace

async::Task<Try<Reply>> evict_pod(State& state, Call& call) {
  auto body = decode_body(call.body, call.content_type, "Eviction");
  if (!body.ok()) co_return std::move(body.failure());
  const Json given = body->object.value("deleteOptions", Json::object());
  auto options = parse_delete_options(given.is_object() && !given.empty() ? given.dump() : "",
                                      "application/json", call.parameters);
  if (!options.ok()) co_return std::move(options.failure());
  const ObjectPtr pod = state.store->get("pods", call.key());
  if (pod == nullptr) co_return not_found(*call.kind, call.resource.name);
  const std::string uid(text_at(pod->json, {"metadata", "uid"}));
  const std::vector<ObjectPtr> budgets = budgets_of(state, pod->json);
  if (budgets.size() > 1) {
    co_return make_failure(500, "InternalError",
                           "This pod has more than one PodDisruptionBudget, "
                           "which the eviction subresource does not support.");
  }
  if (!budgets.empty() && !costs_nothing(pod->json)) {
    ObjectKey budget = key_of(budgets.front()->json);
    auto refused = co_await charge(state, call, std::move(budget), options->dry_run);
    if (refused) co_return std::move(*refused);
  }
  call.resource.subresource.clear();
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    // A pod of the same name that came meanwhile was not paid for.
    if (now == nullptr || text_at(now->json, {"metadata", "uid"}) != uid) {
      return not_found(*call.kind, call.resource.name);
    }
    auto deletion = decide_deletion(*now, *call.kind, *options, state.now_s());
    if (!deletion.ok()) return std::move(deletion.failure());
    return Decision{.object = std::move(deletion->object),
                    .write = deletion->write,
                    .remove = deletion->remove};
  };
  auto stored = co_await write_decided(state, call, std::move(decide), options->dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  co_return success_reply(201, call.pretty);
}

}  // namespace nacelle::kube::server
