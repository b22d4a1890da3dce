#include "control/kube/shared_informers.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/core/children.h"
#include "control/kube/resource_names.h"

namespace nacelle::control {

using kube::ObjectKey;

namespace {

std::vector<std::string> controllers_in(const Json& object) {
  const std::string uid = controller_of(object);
  return {uid.empty() ? no_controller(kube::key_of(object).name_space) : uid};
}

std::vector<std::string> labels_in(const Json& object) {
  std::vector<std::string> out;
  const std::string name_space = kube::key_of(object).name_space;
  for (const auto& [label, value] : kube::map_at(object, {"metadata", "labels"}).items()) {
    if (!value.is_string()) continue;
    out.push_back(label_value(name_space, label, value.get_ref<const std::string&>()));
  }
  return out;
}

// Items of a list may lack what the list says of all.
Json typed(Json object, std::string_view api_version, std::string_view kind) {
  if (!object.contains("apiVersion")) object["apiVersion"] = api_version;
  if (!object.contains("kind")) object["kind"] = kind;
  return object;
}

}  // namespace

std::string label_value(std::string_view name_space, std::string_view label,
                        std::string_view value) {
  std::string out(name_space);
  out.append("/").append(label).append("=").append(value);
  return out;
}

std::string no_controller(std::string_view name_space) { return "-" + std::string(name_space); }

SharedInformers::SharedInformers(kube::Client& client, kube::InformerMetrics* metrics)
    : client_(client), metrics_(metrics), synced_(client.loop()) {}

SharedInformers::Kind& SharedInformers::entry(std::string_view api_version, std::string_view kind) {
  std::string name(api_version);
  name.append("/").append(kind);
  auto& slot = kinds_[name];
  if (slot != nullptr) return *slot;
  CHECK(!started_);
  slot = std::make_unique<Kind>();
  slot->api_version = api_version;
  slot->kind = kind;
  kube::InformerOptions options;
  options.resource = resource_of(api_version, kind);
  options.optional = true;  // CRDs may come later
  Kind* const made = slot.get();
  const bool counts = kind != "Lease" && kind != "Event";
  made->informer = std::make_unique<kube::Informer>(
      client_, std::move(options),
      [this, made, counts](std::span<const kube::ObjectChange> changes) {
        if (counts) changes_ += changes.size();
        for (const Handler& handler : made->handlers) handler(changes);
        if (!synced_.is_set() && synced()) synced_.set();
      },
      metrics_);
  made->informer->add_index(kByController, controllers_in);
  made->informer->add_index(kByLabel, labels_in);
  made->informer->add_index(kByNamespace, kube::by_namespace());
  made->informer->add_index(kByAny, [](const Json&) { return std::vector<std::string>{""}; });
  return *made;
}

kube::Informer& SharedInformers::of(std::string_view api_version, std::string_view kind) {
  return *entry(api_version, kind).informer;
}

void SharedInformers::on_change(std::string_view api_version, std::string_view kind,
                                Handler handler) {
  entry(api_version, kind).handlers.push_back(std::move(handler));
}

std::vector<Json> SharedInformers::find(std::string_view api_version, std::string_view kind,
                                        const std::string& index, const std::string& value) {
  std::vector<Json> out;
  for (const kube::CachedObject& object : of(api_version, kind).find(index, value)) {
    out.push_back(typed(*object, api_version, kind));
  }
  return out;
}

std::optional<Json> SharedInformers::get(const Target& target) {
  const auto found = kinds_.find(target.api_version + "/" + target.kind);
  if (found == kinds_.end()) return std::nullopt;
  const auto object = found->second->informer->get({target.name_space, target.name});
  if (object == nullptr) return std::nullopt;
  return typed(*object, target.api_version, target.kind);
}

std::vector<Json> SharedInformers::dependents(std::string_view api_version, std::string_view kind,
                                              const Json& owner) {
  const kube::Informer& informer = of(api_version, kind);
  const ObjectKey key = kube::key_of(owner);
  std::map<ObjectKey, kube::CachedObject> found;
  const std::string uid(kube::text_at(owner, {"metadata", "uid"}));
  for (const std::string& value : {uid, no_controller(key.name_space)}) {
    for (kube::CachedObject& object : informer.find(kByController, value)) {
      found.emplace(kube::key_of(*object), std::move(object));
    }
  }
  const std::string prefix = key.name + "-";
  const kube::Informer::Objects& all = informer.objects();
  for (auto at = all.lower_bound({key.name_space, prefix}); at != all.end(); ++at) {
    if (at->first.name_space != key.name_space || !at->first.name.starts_with(prefix)) break;
    found.insert(*at);
  }
  std::vector<Json> out;
  out.reserve(found.size());
  for (const auto& [name, object] : found) out.push_back(typed(*object, api_version, kind));
  return out;
}

void SharedInformers::start() {
  started_ = true;
  for (auto& [name, kind] : kinds_) kind->informer->start();
  if (kinds_.empty()) synced_.set();
}

async::Task<void> SharedInformers::stop() {
  for (auto& [name, kind] : kinds_) co_await kind->informer->stop();
}

async::Task<Status> SharedInformers::ready() { co_return co_await synced_.wait(); }

bool SharedInformers::synced() const {
  return std::all_of(kinds_.begin(), kinds_.end(),
                     [](const auto& kind) { return kind.second->informer->synced(); });
}

}  // namespace nacelle::control
