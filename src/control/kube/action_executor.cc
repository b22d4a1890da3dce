#include "control/kube/action_executor.h"

#include <utility>

#include "control/kube/resource_names.h"

namespace nacelle::control {
namespace {

using kube::Answer;
using kube::text_at;

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// Trouble of the server, not of what it was asked.
bool passes(const kube::ApiError& error) { return error.code >= 500 || error.code == 429; }

// `wanted` was made from a trimmed copy: what trim() took stays.
void keep_trimmed(const Json& live, Json& wanted) {
  const Json* applied = kube::find(live, {"metadata", "annotations", kLastApplied});
  if (applied != nullptr) wanted["metadata"]["annotations"][kLastApplied] = *applied;
  if (const Json* fields = kube::find(live, {"metadata", "managedFields"})) {
    wanted["metadata"]["managedFields"] = *fields;
  }
}

}  // namespace

ActionExecutor::ActionExecutor(kube::Client& client, node::EventRecorder& events,
                               ExecutorOptions options)
    : client_(client), options_(std::move(options)), events_(events) {}

kube::WriteOptions ActionExecutor::write_options(bool force) const {
  kube::WriteOptions out;
  out.field_manager = options_.manager;
  out.force = force;
  return out;
}

async::Task<Result<CarriedOut>> ActionExecutor::carry_out(std::vector<Action> actions) {
  CarriedOut out;
  bool was_there = false;  // the last action found its work done: nobody is told of it again
  for (const Action& action : actions) {
    const bool makes =
        std::holds_alternative<Create>(action) || std::holds_alternative<Apply>(action);
    if (const auto* event = std::get_if<RecordEvent>(&action)) {
      if (out.refused.empty() && !was_there) tell(*event);
      continue;
    }
    was_there = false;
    if (!out.refused.empty() && !makes && !std::holds_alternative<Delete>(action)) continue;
    const Result<Outcome> outcome = co_await carry_out_one(action);
    if (!outcome.ok()) co_return outcome.error();
    if (outcome->fate == Fate::kConflict) {
      out.conflict = true;
      co_return out;
    }
    if (outcome->fate == Fate::kDone) {
      ++out.writes;
      continue;
    }
    if (outcome->fate == Fate::kWasThere) {
      was_there = true;
      continue;
    }
    const Target target = std::visit(
        [](const auto& one) {
          if constexpr (requires { one.object; }) {
            return target_of(one.object);
          } else if constexpr (requires { one.target; }) {
            return one.target;
          } else {
            return one.about;
          }
        },
        action);
    if (!makes)
      co_return failed_precondition("{} {}: {}", target.kind, target.name, outcome->message);
    out.refused.push_back({target, outcome->message});
  }
  co_return out;
}

async::Task<Result<ActionExecutor::Outcome>> ActionExecutor::carry_out_one(const Action& action) {
  if (const auto* made = std::get_if<Create>(&action)) co_return co_await create(made->object);
  if (const auto* applied = std::get_if<Apply>(&action)) co_return co_await apply(applied->object);
  if (const auto* updated = std::get_if<Update>(&action)) {
    co_return co_await update(updated->object, false);
  }
  if (const auto* status = std::get_if<UpdateStatus>(&action)) {
    co_return co_await update(status->object, true);
  }
  if (const auto* removal = std::get_if<Delete>(&action)) co_return co_await remove(*removal);
  co_return Outcome{};
}

async::Task<Result<ActionExecutor::Outcome>> ActionExecutor::create(const Json& object) {
  const Target target = target_of(object);
  const kube::Resource resource = resource_of(target.api_version, target.kind);
  const Result<Answer> answer =
      co_await client_.create_object(resource, target.name_space, object, write_options(false));
  if (!answer.ok()) co_return answer.error();
  if (answer->ok()) co_return Outcome{};
  if (answer->error->already_exists()) co_return Outcome{Fate::kWasThere, {}};
  if (passes(*answer->error)) co_return answer->error->to_status();
  if (answer->error->conflict()) co_return Outcome{Fate::kConflict, {}};
  co_return Outcome{Fate::kRefused, answer->error->message};
}

async::Task<Result<ActionExecutor::Outcome>> ActionExecutor::apply(const Json& object) {
  const kube::ObjectRef ref = ref_of(target_of(object));
  const Result<Answer> answer = co_await client_.apply(ref, object, write_options(true));
  if (!answer.ok()) co_return answer.error();
  if (answer->ok()) co_return Outcome{};
  if (passes(*answer->error)) co_return answer->error->to_status();
  if (answer->error->conflict()) co_return Outcome{Fate::kConflict, {}};
  co_return Outcome{Fate::kRefused, answer->error->message};
}

async::Task<Result<ActionExecutor::Outcome>> ActionExecutor::update(const Json& object,
                                                                    bool status) {
  const kube::ObjectRef ref = ref_of(target_of(object));
  const Result<Answer> live = co_await client_.get(ref);
  if (!live.ok()) co_return live.error();
  if (!live->ok()) {
    if (live->error->absent()) co_return Outcome{Fate::kConflict, {}};
    co_return live->error->to_status();
  }
  if (kube::version_of(live->body) != kube::version_of(object))
    co_return Outcome{Fate::kConflict, {}};
  Json wanted;
  if (status) {
    wanted = live->body;
    wanted["status"] = object.value("status", Json::object());
  } else {
    wanted = object;
    keep_trimmed(live->body, wanted);
  }
  kube::ObjectRef endpoint = ref;
  if (status) endpoint.subresource = "status";
  const Result<Answer> answer =
      co_await client_.replace(endpoint, std::move(wanted), write_options(false));
  if (!answer.ok()) co_return answer.error();
  if (answer->ok()) co_return Outcome{};
  if (answer->error->conflict() || answer->error->absent()) co_return Outcome{Fate::kConflict, {}};
  if (passes(*answer->error)) co_return answer->error->to_status();
  co_return Outcome{Fate::kRefused, answer->error->message};
}

async::Task<Result<ActionExecutor::Outcome>> ActionExecutor::remove(const Delete& removal) {
  kube::DeleteOptions options;
  options.uid = removal.uid;
  switch (removal.propagation) {
    case Propagation::kBackground:
      options.propagation = kube::Propagation::kBackground;
      break;
    case Propagation::kForeground:
      options.propagation = kube::Propagation::kForeground;
      break;
    case Propagation::kOrphan:
      options.propagation = kube::Propagation::kOrphan;
      break;
  }
  const kube::ObjectRef ref = ref_of(removal.target);
  const Result<Answer> answer = co_await client_.remove(ref, options);
  if (!answer.ok()) co_return answer.error();
  // Absent, or another object of that name: the one that was meant is gone.
  if (answer->ok()) co_return Outcome{};
  if (answer->error->absent() || answer->error->conflict()) co_return Outcome{Fate::kWasThere, {}};
  if (passes(*answer->error)) co_return answer->error->to_status();
  co_return Outcome{Fate::kRefused, answer->error->message};
}

void ActionExecutor::tell(const RecordEvent& event) {
  const Target& about = event.about;
  events_.record({.subject = {.api_version = about.api_version,
                              .kind = about.kind,
                              .name_space = about.name_space,
                              .name = about.name,
                              .uid = options_.uid_of ? options_.uid_of(about) : std::string(),
                              .field_path = {}},
                  .warning = event.type == "Warning",
                  .reason = event.reason,
                  .message = event.message});
}

}  // namespace nacelle::control
