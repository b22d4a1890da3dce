#include "control/kube/node/pod_writer.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace nacelle::control::node {
namespace {

using kube::Json;

const kube::Resource kPods{"", "v1", "pods"};

}  // namespace

Json merged_status(const Json& object, const Json& status) {
  Json out = status;
  Json& conditions = out["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  for (const Json& theirs : kube::list_at(object, {"status", "conditions"})) {
    const std::string_view type = kube::text_at(theirs, {"type"});
    const bool ours = std::any_of(conditions.begin(), conditions.end(), [&](const Json& one) {
      return kube::text_at(one, {"type"}) == type;
    });
    if (!ours) conditions.push_back(theirs);
  }
  return out;
}

async::Task<Status> PodWriter::write_status(PodKey pod, pod::Json status) {
  const auto gone = std::make_shared<bool>(false);
  std::function<bool(Json&)> change = [uid = pod.uid, status = std::move(status),
                                       gone](Json& object) {
    *gone = kube::text_at(object, {"metadata", "uid"}) != uid;
    if (*gone) return false;
    Json merged = merged_status(object, status);
    const Json* before = kube::find(object, {"status"});
    if (before != nullptr && *before == merged) return false;
    object["status"] = std::move(merged);
    return true;
  };
  kube::ObjectRef ref(kPods, pod.name_space, pod.name, "status");
  const Result<kube::Answer> answer = co_await client_.update(std::move(ref), std::move(change));
  if (*gone) co_return not_found("pod {} is another one by now", pod.to_string());
  co_return kube::status_of(answer);
}

async::Task<Status> PodWriter::remove(PodKey pod) {
  kube::DeleteOptions options;
  options.grace_seconds = 0;
  options.uid = pod.uid;
  kube::ObjectRef ref(kPods, pod.name_space, pod.name);
  const Result<kube::Answer> answer = co_await client_.remove(std::move(ref), std::move(options));
  // Another pod has its name: this one is gone.
  if (answer.ok() && answer->error && (answer->error->absent() || answer->error->code == 409)) {
    co_return Status();
  }
  co_return kube::status_of(answer);
}

void PodWriter::record(const PodKey& pod, const pod::PodEvent& event) {
  EventFact fact;
  fact.subject.kind = "Pod";
  fact.subject.name_space = pod.name_space;
  fact.subject.name = pod.name;
  fact.subject.uid = pod.uid;
  if (!event.container.empty()) {
    fact.subject.field_path = fmt::format("spec.containers{{{}}}", event.container);
  }
  fact.warning = event.warning;
  fact.reason = event.reason;
  fact.message = event.message;
  events_.record(fact);
}

}  // namespace nacelle::control::node
