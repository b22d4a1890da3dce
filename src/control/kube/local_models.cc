#include "control/kube/local_models.h"

#include <algorithm>
#include <utility>

#include "control/core/llmd/service_form.h"

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;
using kube::text_at;

constexpr std::string_view kFile = "file://";
constexpr std::string_view kClaim = "pvc://";

llmd::ModelFacts unknown(std::string reason, std::string message) {
  return {std::nullopt, std::move(reason), std::move(message)};
}

bool goes_up(const fs::path& path) {
  return std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

}  // namespace

LocalModels::LocalModels(Workshop& workshop)
    : workshop_(workshop), disk_(1, kMaxFolders), scope_(workshop.client.loop()) {
  (void)workshop_.informers.of("v1", "PersistentVolumeClaim");
  (void)workshop_.informers.of("v1", "PersistentVolume");
}

Result<fs::path> LocalModels::claim_folder(const std::string& name_space,
                                           const std::string& claim) {
  SharedInformers& informers = workshop_.informers;
  const auto object = informers.of("v1", "PersistentVolumeClaim").get({name_space, claim});
  if (object == nullptr) return not_found("there is no persistentvolumeclaim \"{}\"", claim);
  const std::string volume(text_at(*object, {"spec", "volumeName"}));
  const auto behind = informers.of("v1", "PersistentVolume").get({"", volume});
  if (behind == nullptr || text_at(*object, {"status", "phase"}) != "Bound") {
    return failed_precondition("persistentvolumeclaim \"{}\" is not bound to a volume", claim);
  }
  for (const char* kind : {"hostPath", "local"}) {
    const std::string_view path = text_at(*behind, {"spec", kind, "path"});
    if (!path.empty()) return fs::path(path);
  }
  return unimplemented("persistentvolume \"{}\" is no folder of this machine", volume);
}

Result<fs::path> LocalModels::folder_of(const Json& service) {
  const std::string uri = llmd::model_uri(service);
  const std::string_view text(uri);
  if (text.starts_with(kFile)) {
    const fs::path path(text.substr(kFile.size()));
    if (!path.is_absolute()) return unimplemented("{} names no absolute path", uri);
    return path.lexically_normal();
  }
  if (!text.starts_with(kClaim)) return unimplemented("{} is no folder of this machine", uri);
  const std::string_view rest = text.substr(kClaim.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const fs::path below(rest.substr(std::min(slash + 1, rest.size())));
  if (below.is_absolute() || goes_up(below)) {
    return unimplemented("{} leaves the volume of its claim", uri);
  }
  ASSIGN_OR_RETURN(const fs::path base, claim_folder(kube::key_of(service).name_space,
                                                     std::string(rest.substr(0, slash))));
  return (base / below).lexically_normal();
}

LocalModels::Folder& LocalModels::entry(const std::string& path) {
  if (folders_.size() >= kMaxFolders && !folders_.contains(path)) {
    const auto oldest =
        std::min_element(folders_.begin(), folders_.end(), [](const auto& a, const auto& b) {
          return std::pair(a.second.busy, a.second.ended) <
                 std::pair(b.second.busy, b.second.ended);
        });
    if (!oldest->second.busy) folders_.erase(oldest);
  }
  return folders_[path];
}

std::optional<llmd::ModelFacts> LocalModels::of(const Json& service, const std::string& asker,
                                                std::function<void()> again) {
  const Result<fs::path> path = folder_of(service);
  if (!path.ok()) {
    const Code code = path.error().code();
    return unknown(code == Code::kUnimplemented ? "ModelNotLocal" : "ClaimNotBound",
                   path.error().message() + "; spec.resources.vram says what it takes");
  }
  Folder& folder = entry(path->string());
  const TimePoint now = std::chrono::steady_clock::now();
  if (!folder.busy && (folder.reading == nullptr || now - folder.ended >= kFresh)) {
    folder.busy = true;
    folder.began = now;
    ++reading_;
    scope_.spawn(read(this, path->string()));
  }
  if (folder.busy) folder.askers[asker] = std::move(again);
  if (folder.reading != nullptr) return folder.reading->facts;
  if (now - std::max(folder.began, last_ended_) < kPatience) return std::nullopt;
  return unknown("ModelNotRead", path->string() + " does not answer");
}

async::Task<void> LocalModels::read(LocalModels* self, std::string path) {
  const std::shared_ptr<const ModelReading> before = self->folders_[path].reading;
  auto work = [path, before] { return read_model_folder(path, before ? *before : ModelReading()); };
  Result<ModelReading> done = co_await self->disk_.run(std::move(work));
  --self->reading_;
  if (self->scope_.stop_requested()) co_return;
  Folder& folder = self->folders_[path];
  folder.busy = false;
  folder.ended = self->last_ended_ = std::chrono::steady_clock::now();
  auto reading = std::make_shared<ModelReading>();
  if (done.ok()) {
    *reading = *std::move(done);
  } else {
    reading->facts = unknown("ModelNotRead", path + ": " + done.error().message());
  }
  const bool changed = before == nullptr || before->facts != reading->facts;
  folder.reading = std::move(reading);
  const auto askers = std::exchange(folder.askers, {});
  if (!changed) co_return;
  for (const auto& [name, again] : askers) again();
}

async::Task<void> LocalModels::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

}  // namespace nacelle::control
