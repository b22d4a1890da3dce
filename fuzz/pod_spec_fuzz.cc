// links: control
// pod_spec_fuzz.cc: any text as a Pod object, from an API server or a user's manifest.
//
// Checks: a pod that is accepted has names that are safe as parts of paths and volumes that stay in
// their folders; its environment and command resolve or say why; a life with failing starts comes
// to an end; its state reads back as it was written; its status is JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/core/pod/decide.h"
#include "control/core/pod/environment.h"
#include "control/core/pod/pod_events.h"
#include "control/core/pod/pod_state_json.h"
#include "control/core/pod/pod_status.h"
#include "control/core/pod/program.h"

namespace {

using namespace nacelle::control::pod;
using nacelle::Duration;
using nacelle::TimePoint;
using std::chrono_literals::operator""s;

void require(bool condition) {
  if (!condition) std::abort();
}

bool path_part(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name[0] != '.' &&
         name.find('\0') == std::string::npos;
}

bool stays_below(const std::string& path) {
  return !path.starts_with('/') && ("/" + path + "/").find("/../") == std::string::npos;
}

class Source final : public ConfigSource {
 public:
  std::shared_ptr<const StringMap> config(ConfigKind, std::string_view,
                                          std::string_view name) const override {
    if (name.size() % 2 == 0) return nullptr;
    return std::make_shared<const StringMap>(StringMap{{"key", "value"}, {"token", "$(A)"}});
  }
  std::vector<ServiceInfo> services(std::string_view) const override {
    return {{"svc", "127.127.0.1", {{"http", "TCP", 80}}}};
  }
};

void check_names(const PodSpec& spec) {
  require(path_part(spec.uid) && path_part(spec.name));
  require(spec.num_init < spec.containers.size());
  for (const Container& container : spec.containers) {
    require(path_part(container.name));
    for (const VolumeMount& mount : container.mounts) {
      require(mount.path.starts_with('/') && mount.path.size() > 1);
      require(stays_below(mount.sub_path));
    }
  }
  for (const Volume& volume : spec.volumes) {
    require(path_part(volume.name));
    const auto* files = std::get_if<FilesVolume>(&volume.source);
    if (files == nullptr) continue;
    for (const FilesVolume::Source& source : files->sources) {
      if (const auto* config = std::get_if<ConfigVolume>(&source)) {
        for (const KeyToPath& item : config->items) require(stays_below(item.path));
      }
      if (const auto* downward = std::get_if<DownwardVolume>(&source)) {
        for (const DownwardFile& file : downward->files) require(stays_below(file.path));
      }
    }
  }
}

// Every start fails or ends at once; then the pod is deleted.
void live(const PodSpec& spec) {
  Instant now{TimePoint(std::chrono::hours(9)), WallTime(std::chrono::hours(400000))};
  PodState state = new_state(spec, now);
  bool removed = false;
  for (int round = 0; round < 60 && !removed; ++round) {
    if (round == 30) deletion_requested(spec, state, 1s, now);
    Decision next = decide(spec, std::move(state), now);
    state = std::move(next.state);
    for (const Action& action : next.actions) {
      if (std::holds_alternative<SetUp>(action)) setup_done(state);
      if (const auto* start = std::get_if<StartContainer>(&action)) {
        if ((start->index + start->attempt) % 3 == 0) {
          container_start_failed(spec, state, start->index, start->attempt, "ErrImagePull", "x",
                                 now);
        } else {
          container_started(spec, state, start->index, start->attempt, "id", now);
          Exit exit;
          exit.code = static_cast<int>(start->attempt % 2);
          container_exited(spec, state, start->index, start->attempt, exit, now);
        }
      }
      if (std::holds_alternative<Release>(action)) release_done(state);
      if (std::holds_alternative<RemoveObject>(action)) removed = true;
    }
    const Json status = pod_status(spec, state, {"127.0.0.1", "127.64.0.1", nullptr}, now.wall);
    require(!status.dump(-1, ' ', false, Json::error_handler_t::replace).empty());
    const auto again = state_from_json(state_to_json(state, now), spec, now);
    require(again.ok() && state_digest(*again) == state_digest(state));
    now.at += 7s;
    now.wall += std::chrono::duration_cast<WallTime::duration>(7s);
  }
  require(removed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Json object = Json::parse(data, data + size, nullptr, false);
  if (object.is_discarded()) return 0;
  const auto spec = parse_pod(object);
  if (!spec.ok()) {
    require(!spec.error().message().empty());
    return 0;
  }
  check_names(*spec);
  const PodPlace place{"127.64.0.1", "127.0.0.1", "node", {{"cpu", nacelle::Quantity(4)}}};
  const Source source;
  for (const Container& container : spec->containers) {
    const auto environment = container_environment(*spec, container, place, source);
    if (!environment.ok()) continue;
    const auto argv = program_of(container, environment->variables, {"/bin/nacelle", "127.64.0.1"});
    require(!argv.ok() || !argv->empty());
  }
  (void)pod_requests(*spec);
  (void)qos_class(*spec);
  live(*spec);
  return 0;
}
