#include "control/kube/autoscaler_controller.h"

#include <map>
#include <utility>

#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"
#include "control/kube/metric_api.h"
#include "control/kube/resource_names.h"
#include "kube/controller.h"

namespace nacelle::control {
namespace {

using kube::ObjectKey;
using kube::text_at;

constexpr const char* kApi = "autoscaling/v2";
constexpr const char* kKind = "HorizontalPodAutoscaler";

class AutoscalerUnit final : public ControllerUnit {
 public:
  explicit AutoscalerUnit(Workshop& workshop)
      : workshop_(workshop),
        controller_(
            workshop.client.loop(), {.name = "autoscalers", .workers = 1, .limits = {}},
            [this](ObjectKey key) { return reconcile(std::move(key)); }, workshop.metrics) {
    // Its status changes by our own writes: only the spec is news.
    workshop.informers.on_change(kApi, kKind, [this](std::span<const kube::ObjectChange> changes) {
      for (const kube::ObjectChange& change : changes) {
        const bool same =
            change.before != nullptr && change.now != nullptr &&
            kube::map_at(*change.before, {"spec"}) == kube::map_at(*change.now, {"spec"});
        if (!same) controller_.add(kube::key_of(change.now ? *change.now : *change.before));
      }
    });
  }

  void start() override { controller_.start(); }
  [[nodiscard]] async::Task<void> stop() override { co_await controller_.stop(); }
  [[nodiscard]] bool idle() const override { return controller_.idle(); }

 private:
  async::Task<Result<kube::Reconciled>> reconcile(ObjectKey key) {
    auto object = workshop_.informers.get({kApi, kKind, key.name_space, key.name});
    if (!object) {
      memories_.erase(key);
      co_return kube::Reconciled{};
    }
    workload::AutoscalerObserved observed;
    observed.autoscaler = *std::move(object);
    observed.now = workshop_.now_s();
    const Json& target = kube::map_at(observed.autoscaler, {"spec", "scaleTargetRef"});
    const kube::ObjectRef scale = ref_of(
        {std::string(text_at(target, {"apiVersion"})), std::string(text_at(target, {"kind"})),
         key.name_space, std::string(text_at(target, {"name"}))},
        "scale");
    const Result<kube::Answer> read = co_await workshop_.client.get(scale);
    if (const Status status = kube::status_of(read); !status.ok()) {
      observed.scale_error = status.message();
    } else {
      observed.scale = read->body;
      const Status done = co_await read_pods(&observed, key);
      if (!done.ok()) co_return done;
    }
    // Kept only when the number could be set.
    workload::ScaleMemory memory = memories_[key];
    workload::AutoscalerDecision out = workload::decide_autoscaler(observed, memory);
    if (out.replicas) {
      const Result<kube::Answer> set =
          co_await workshop_.client.scale(scale, static_cast<int>(*out.replicas));
      if (const Status status = kube::status_of(set); !status.ok()) co_return status;
    }
    memories_[key] = std::move(memory);
    const auto done = co_await workshop_.executor.carry_out(std::move(out.decision.actions));
    if (!done.ok()) co_return done.error();
    co_return kube::Reconciled{out.decision.look_again_in};
  }

  async::Task<Status> read_pods(workload::AutoscalerObserved* observed, ObjectKey key) {
    const std::string selector(text_at(observed->scale, {"status", "selector"}));
    if (!selector.empty()) {
      const kube::Resource pods("", "v1", "pods");
      kube::ListOptions which;
      which.label_selector = selector;
      Result<kube::Answer> list =
          co_await workshop_.client.list(pods, key.name_space, std::move(which));
      if (const Status status = kube::status_of(list); !status.ok()) co_return status;
      for (Json& pod : list->body["items"]) observed->pods.push_back(std::move(pod));
    }
    for (const Json& metric : kube::list_at(observed->autoscaler, {"spec", "metrics"})) {
      observed->metrics.push_back(
          co_await read_metric(workshop_.client, metric, key.name_space, selector));
    }
    co_return Status();
  }

  Workshop& workshop_;
  kube::Controller controller_;
  std::map<ObjectKey, workload::ScaleMemory> memories_;
};

}  // namespace

std::unique_ptr<ControllerUnit> autoscaler_controller(Workshop& workshop) {
  return std::make_unique<AutoscalerUnit>(workshop);
}

}  // namespace nacelle::control
