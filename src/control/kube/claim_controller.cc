#include "control/kube/claim_controller.h"

#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "async/task_scope.h"
#include "async/timer.h"
#include "async/work_pool.h"
#include "control/core/workload/claim_binder/claim_binder.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

constexpr Duration kTryAgain = std::chrono::seconds(30);
constexpr std::size_t kMaxRemovals = 1000;

// All claims and volumes are one piece of work.
std::vector<kube::ObjectKey> everything() { return {{"", "claims"}}; }

Status remove_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? unavailable("{}", error.message()) : Status();
}

class ClaimUnit final : public ControllerUnit {
 public:
  ClaimUnit(Workshop& workshop, std::filesystem::path folder)
      : workshop_(workshop),
        folder_(std::move(folder)),
        disk_(1, kMaxRemovals),
        scope_(workshop.client.loop()),
        controller_(
            workshop, "claims",
            [this](const kube::ObjectKey&, const std::vector<Refusal>&) { return decide(); }) {
    for (const auto& [api_version, kind] :
         {std::pair("v1", "PersistentVolumeClaim"), std::pair("v1", "PersistentVolume"),
          std::pair("storage.k8s.io/v1", "StorageClass")}) {
      controller_.watch(api_version, kind, [](const Json&) { return everything(); });
    }
    controller_.watch("v1", "Pod", [](const Json& pod) {
      for (const Json& volume : kube::list_at(pod, {"spec", "volumes"})) {
        if (kube::find(volume, {"persistentVolumeClaim"}) != nullptr) return everything();
      }
      return std::vector<kube::ObjectKey>{};
    });
    (void)workshop_.informers.of("v1", "Node");
  }

  void start() override { controller_.start(); }
  [[nodiscard]] async::Task<void> stop() override {
    scope_.stop();
    scope_.cancel();
    co_await scope_.join();
    co_await controller_.stop();
  }
  [[nodiscard]] bool idle() const override { return controller_.idle() && removing_.empty(); }

 private:
  Decision decide() {
    SharedInformers& informers = workshop_.informers;
    const auto all = [&](const char* api_version, const char* kind) {
      return informers.find(api_version, kind, kByAny, "");
    };
    workload::ClaimsObserved observed;
    observed.claims = all("v1", "PersistentVolumeClaim");
    observed.volumes = all("v1", "PersistentVolume");
    if (observed.claims.empty() && observed.volumes.empty()) return {};
    observed.classes = all("storage.k8s.io/v1", "StorageClass");
    observed.nodes = all("v1", "Node");
    for (Json& pod : all("v1", "Pod")) {
      if (!kube::list_at(pod, {"spec", "volumes"}).empty()) observed.pods.push_back(std::move(pod));
    }
    observed.folder = folder_.string();
    observed.failed_removals = failed_;
    observed.now = workshop_.now_s();
    auto out = workload::bind_claims(observed, memory_);
    for (workload::Reclaim& each : out.reclaims) {
      const std::string& volume = each.volume.target.name;
      std::error_code ignored;
      if (removing_.contains(volume) || failed_.contains(volume)) continue;
      if (!std::filesystem::exists(std::filesystem::symlink_status(each.path, ignored))) {
        out.decision.actions.push_back(std::move(each.volume));
      } else {
        removing_.insert(volume);
        scope_.spawn(remove(this, volume, each.path));
      }
    }
    return std::move(out.decision);
  }

  static async::Task<void> remove(ClaimUnit* self, std::string volume, std::string path) {
    auto work = [path] { return remove_folder(path); };
    const Status done = co_await self->disk_.run(std::move(work));
    self->removing_.erase(volume);
    if (!done.ok()) self->failed_[volume] = done.message();
    self->controller_.add(everything()[0]);
    if (done.ok()) co_return;
    co_await async::sleep_for(kTryAgain);
    self->failed_.erase(volume);
    self->controller_.add(everything()[0]);
  }

  Workshop& workshop_;
  const std::filesystem::path folder_;
  async::WorkPool disk_;
  async::StopScope scope_;
  DecisionController controller_;
  workload::ClaimsMemory memory_;
  std::set<std::string> removing_;             // volumes whose folder is being removed
  std::map<std::string, std::string> failed_;  // and why it could not be
};

}  // namespace

std::vector<Json> local_path_classes() {
  std::vector<Json> out;
  for (const auto& [name, binding] : {std::pair("local-path", "WaitForFirstConsumer"),
                                      std::pair("local-path-shared", "Immediate")}) {
    Json one = {{"apiVersion", "storage.k8s.io/v1"}, {"kind", "StorageClass"},
                {"metadata", {{"name", name}}},      {"provisioner", workload::kLocalPath},
                {"reclaimPolicy", "Delete"},         {"volumeBindingMode", binding}};
    out.push_back(std::move(one));
  }
  out[0]["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = "true";
  return out;
}

std::unique_ptr<ControllerUnit> claim_controller(Workshop& workshop, std::filesystem::path folder) {
  return std::make_unique<ClaimUnit>(workshop, std::move(folder));
}

}  // namespace nacelle::control
