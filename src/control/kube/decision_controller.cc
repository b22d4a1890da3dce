#include "control/kube/decision_controller.h"

#include <algorithm>
#include <utility>

namespace nacelle::control {

using kube::ObjectKey;

namespace {
// Informers see what was written within this time; if not, it conflicts again.
constexpr Duration kAfterConflict = std::chrono::milliseconds(20);
}  // namespace

DecisionController::DecisionController(Workshop& workshop, std::string name, Decide decide)
    : workshop_(workshop),
      decide_(std::move(decide)),
      controller_(
          workshop.client.loop(), {.name = std::move(name), .workers = 1, .limits = {}},
          [this](ObjectKey key) { return reconcile(std::move(key)); }, workshop.metrics) {}

void DecisionController::watch(std::string_view api_version, std::string_view kind, Keys keys,
                               Notice notice) {
  workshop_.informers.on_change(
      api_version, kind,
      [this, keys = std::move(keys),
       notice = std::move(notice)](std::span<const kube::ObjectChange> changes) {
        for (const kube::ObjectChange& change : changes) {
          const bool stays = change.before != nullptr && change.now != nullptr;
          if (stays && notice.when && !notice.when(*change.before, *change.now)) continue;
          const Duration delay = stays ? std::max(notice.delay, notice.change_delay) : notice.delay;
          for (const kube::CachedObject& object : {change.before, change.now}) {
            if (object == nullptr) continue;
            for (const ObjectKey& key : keys(*object)) controller_.add_after(key, delay);
          }
        }
      });
}

async::Task<void> DecisionController::stop() { co_await controller_.stop(); }

async::Task<Result<kube::Reconciled>> DecisionController::reconcile(ObjectKey key) {
  Decision decision = decide_(key, {});
  if (decision.actions.empty()) co_return kube::Reconciled{decision.look_again_in};
  const auto done = co_await workshop_.executor.carry_out(std::move(decision.actions));
  if (!done.ok()) co_return done.error();
  if (done->conflict) co_return kube::Reconciled{kAfterConflict};
  if (done->refused.empty()) co_return kube::Reconciled{decision.look_again_in};

  const Refusal& first = done->refused.front();
  const Status why =
      failed_precondition("{} {}: {}", first.target.kind, first.target.name, first.message);
  // Tell it; what was refused is not asked for a second time now.
  Decision again = decide_(key, done->refused);
  std::erase_if(again.actions, [](const Action& action) {
    return !std::holds_alternative<UpdateStatus>(action) &&
           !std::holds_alternative<RecordEvent>(action);
  });
  const auto told = co_await workshop_.executor.carry_out(std::move(again.actions));
  if (!told.ok()) co_return told.error();
  co_return why;
}

std::vector<ObjectKey> DecisionController::own_key(const Json& object) {
  return {kube::key_of(object)};
}

std::vector<ObjectKey> DecisionController::owner_key(const Json& object, std::string_view kind) {
  for (const Json& owner : kube::list_at(object, {"metadata", "ownerReferences"})) {
    if (!kube::bool_at(owner, {"controller"}) || kube::text_at(owner, {"kind"}) != kind) continue;
    return {{kube::key_of(object).name_space, std::string(kube::text_at(owner, {"name"}))}};
  }
  return {};
}

}  // namespace nacelle::control
