#include "control/kube/node/kube_inputs.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
using kube::Json;
using kube::list_at;
using kube::text_at;

kube::InformerOptions options_of(const char* plural) {
  kube::InformerOptions out;
  out.resource = kube::Resource("", "v1", plural);
  return out;
}

std::string key_text(std::string_view kind, std::string_view name_space, std::string_view name) {
  return fmt::format("{}/{}/{}", kind, name_space, name);
}

// Fields of a volume source or of an environment that name an object.
void add_sources(const Json& holder, const std::string& name_space, std::vector<std::string>& out) {
  const auto add = [&](std::string_view kind, std::string_view name) {
    if (!name.empty()) out.push_back(key_text(kind, name_space, name));
  };
  add("configmap", text_at(holder, {"configMap", "name"}));
  add("configmap", text_at(holder, {"configMapRef", "name"}));
  add("configmap", text_at(holder, {"valueFrom", "configMapKeyRef", "name"}));
  add("secret", text_at(holder, {"secret", "secretName"}));
  add("secret", text_at(holder, {"secret", "name"}));
  add("secret", text_at(holder, {"secretRef", "name"}));
  add("secret", text_at(holder, {"valueFrom", "secretKeyRef", "name"}));
  add("claim", text_at(holder, {"persistentVolumeClaim", "claimName"}));
  for (const Json& part : list_at(holder, {"projected", "sources"})) {
    add_sources(part, name_space, out);
  }
}

void add_decoded(const Json& values, bool decode, pod::StringMap& out) {
  for (const auto& [key, value] : values.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (!decode) {
      out[key] = text;
    } else if (auto bytes = decode_base64(text)) {
      out[key] = std::move(*bytes);
    }
  }
}

// The folder of a volume on this machine; "" when it is none.
std::string folder_of(const Json& volume) {
  std::string path(text_at(volume, {"spec", "hostPath", "path"}));
  return path.empty() ? std::string(text_at(volume, {"spec", "local", "path"})) : path;
}

bool was_provisioned(const Json& volume) {
  const Json& annotations = kube::map_at(volume, {"metadata", "annotations"});
  return annotations.contains("pv.kubernetes.io/provisioned-by") ||
         text_at(volume, {"spec", "hostPath", "type"}) == "DirectoryOrCreate";
}

}  // namespace

std::vector<std::string> input_keys(const Json& pod) {
  const std::string name_space(text_at(pod, {"metadata", "namespace"}));
  std::vector<std::string> out;
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    add_sources(volume, name_space, out);
  }
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : list_at(pod, {"spec", list})) {
      for (const Json& from : list_at(container, {"envFrom"})) add_sources(from, name_space, out);
      for (const Json& one : list_at(container, {"env"})) add_sources(one, name_space, out);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

KubeInputs::KubeInputs(kube::Client& client)
    : config_maps_(client, options_of("configmaps"), tell("configmap")),
      secrets_(client, options_of("secrets"), tell("secret")),
      services_(client, options_of("services"), tell("service")),
      claims_(client, options_of("persistentvolumeclaims"), tell("claim")),
      volumes_(client, options_of("persistentvolumes"), tell("volume")),
      changed_(client.loop()) {
  services_.add_index("namespace", kube::by_namespace());
  tokens_ = std::make_unique<TokenCache>(
      client, [this](const std::string& uid) { tell_all({"token/" + uid}); });
}

kube::Informer::Handler KubeInputs::tell(std::string kind) {
  return [this, kind = std::move(kind)](std::span<const kube::ObjectChange> changes) {
    changed_.pulse();
    std::vector<std::string> keys;
    for (const kube::ObjectChange& change : changes) {
      if (kind == "volume") {
        // A pod names the claim, not the volume behind it.
        const Json& object = change.now != nullptr ? *change.now : *change.before;
        keys.push_back(key_text("claim", text_at(object, {"spec", "claimRef", "namespace"}),
                                text_at(object, {"spec", "claimRef", "name"})));
      } else {
        keys.push_back(key_text(kind, change.key.name_space, change.key.name));
      }
    }
    if (!keys.empty()) tell_all(keys);
  };
}

void KubeInputs::tell_all(const std::vector<std::string>& keys) {
  std::erase_if(listeners_, [](const auto& one) { return one.expired(); });
  const auto listeners = listeners_;
  for (const auto& weak : listeners) {
    if (const auto listener = weak.lock()) (*listener)(keys);
  }
}

std::shared_ptr<void> KubeInputs::listen(Listener listener) {
  auto held = std::make_shared<Listener>(std::move(listener));
  listeners_.push_back(held);
  return held;
}

void KubeInputs::start() {
  for (kube::Informer* one : {&config_maps_, &secrets_, &services_, &claims_, &volumes_}) {
    one->start();
  }
}

async::Task<void> KubeInputs::stop() {
  co_await tokens_->stop();
  for (kube::Informer* one : {&config_maps_, &secrets_, &services_, &claims_, &volumes_}) {
    co_await one->stop();
  }
}

bool KubeInputs::synced() const {
  return config_maps_.synced() && secrets_.synced() && services_.synced() && claims_.synced() &&
         volumes_.synced();
}

async::Task<Status> KubeInputs::wait_synced(TimePoint deadline) {
  while (!synced()) {
    const Status waited = co_await changed_.wait(deadline);
    if (!waited.ok()) {
      co_return waited.with_context("the API's config maps, secrets and claims");
    }
  }
  co_return Status();
}

std::shared_ptr<const pod::StringMap> KubeInputs::config(pod::ConfigKind kind,
                                                         std::string_view name_space,
                                                         std::string_view name) const {
  const kube::Informer& from = kind == pod::ConfigKind::kSecret ? secrets_ : config_maps_;
  const kube::CachedObject object = from.get({std::string(name_space), std::string(name)});
  if (object == nullptr) return nullptr;
  auto out = std::make_shared<pod::StringMap>();
  add_decoded(kube::map_at(*object, {"data"}), kind == pod::ConfigKind::kSecret, *out);
  add_decoded(kube::map_at(*object, {"binaryData"}), true, *out);
  return out;
}

std::vector<pod::ServiceInfo> KubeInputs::services(std::string_view name_space) const {
  std::vector<pod::ServiceInfo> out;
  const auto add = [&](const Json& service) {
    pod::ServiceInfo info;
    info.name = text_at(service, {"metadata", "name"});
    info.cluster_ip = text_at(service, {"spec", "clusterIP"});
    for (const Json& port : list_at(service, {"spec", "ports"})) {
      const std::string_view protocol = text_at(port, {"protocol"});
      info.ports.push_back(
          {std::string(text_at(port, {"name"})), protocol.empty() ? "TCP" : std::string(protocol),
           static_cast<std::uint16_t>(kube::number_at(port, {"port"}).value_or(0))});
    }
    out.push_back(std::move(info));
  };
  for (const kube::CachedObject& one : services_.find("namespace", std::string(name_space))) {
    add(*one);
  }
  if (name_space != "default") {
    if (const auto api = services_.get({"default", "kubernetes"})) add(*api);
  }
  return out;
}

Result<fs::path> KubeInputs::claim_folder(std::string_view name_space,
                                          std::string_view claim) const {
  const kube::CachedObject object = claims_.get({std::string(name_space), std::string(claim)});
  if (object == nullptr)
    return failed_precondition("persistentvolumeclaim \"{}\" not found", claim);
  const std::string volume(text_at(*object, {"spec", "volumeName"}));
  if (volume.empty() || text_at(*object, {"status", "phase"}) != "Bound") {
    return failed_precondition("persistentvolumeclaim \"{}\" is not bound to a volume", claim);
  }
  const kube::CachedObject behind = volumes_.get({"", volume});
  if (behind == nullptr) return failed_precondition("persistentvolume \"{}\" not found", volume);
  const std::string path = folder_of(*behind);
  if (path.empty()) {
    return unimplemented("persistentvolume \"{}\" of class \"{}\" is no folder of this machine",
                         volume, text_at(*behind, {"spec", "storageClassName"}));
  }
  std::error_code error;
  if (fs::is_directory(path, error)) return fs::path(path);
  if (!was_provisioned(*behind)) {
    return failed_precondition("the folder {} of persistentvolume \"{}\" does not exist", path,
                               volume);
  }
  fs::create_directories(path, error);
  if (error) return failed_precondition("{}: {}", path, error.message());
  fs::permissions(path, fs::perms(0777), error);
  return fs::path(path);
}

Result<std::string> KubeInputs::service_token(const pod::PodSpec& spec,
                                              const pod::TokenVolume& volume) const {
  return tokens_->get(spec, volume);
}

}  // namespace nacelle::control::node
