#include "kube/server/registry_source.h"

#include <utility>

namespace nacelle::kube::server {

std::shared_ptr<const schema::Registry> RegistrySource::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

void RegistrySource::refresh(const Store& store) {
  std::lock_guard refreshing(refresh_mutex_);
  const auto crds = store.list(kCrdCollection, {});
  std::map<std::string, Known> known;
  std::vector<schema::KindPtr> custom;
  std::set<std::string> replaced;
  if (crds.ok()) {
    for (const ObjectPtr& crd : crds->items) {
      if (!schema::is_established(crd->json)) continue;
      const std::string name(text_at(crd->json, {"metadata", "name"}));
      const auto before = known_.find(name);
      Known& now = known[name];
      if (before != known_.end() && before->second.revision == crd->revision) {
        now = std::move(before->second);
      } else {
        const auto converter = converters_.find(schema::crd_collection(crd->json));
        now = {crd->revision,
               schema::kinds_of_crd(crd->json, converter == converters_.end() ? schema::Converter()
                                                                              : converter->second)};
      }
      custom.insert(custom.end(), now.kinds.begin(), now.kinds.end());
      for (const schema::KindPtr& kind : now.kinds) replaced.insert(kind->collection);
    }
  }
  std::vector<schema::KindPtr> kinds;
  for (const schema::KindPtr& kind : schema::builtin_kinds()) {
    if (kind->computed && !computed_.contains(kind->collection)) continue;
    // A CRD takes the place of the simpler form that we serve without it.
    if (!kind->custom || !replaced.contains(kind->collection)) kinds.push_back(kind);
  }
  kinds.insert(kinds.end(), custom.begin(), custom.end());
  auto next = std::make_shared<const schema::Registry>(std::move(kinds));
  known_ = std::move(known);
  std::lock_guard lock(mutex_);
  current_ = std::move(next);
}

schema::NameClash RegistrySource::clash(const Json& crd, const Store& store) {
  const std::string_view group = text_at(crd, {"spec", "group"});
  const Json& mine = map_at(crd, {"spec", "names"});
  const auto has = [](const Json& names, const Json& name) {
    if (!name.is_string()) return false;
    for (const char* field : {"plural", "singular"}) {
      if (names.contains(field) && names[field] == name) return true;
    }
    for (const Json& one : list_at(names, {"shortNames"})) {
      if (one == name) return true;
    }
    return false;
  };
  const auto check = [&](const Json& other) -> schema::NameClash {
    for (const auto& [field, reason] :
         {std::pair{"plural", "PluralConflict"}, {"singular", "SingularConflict"}}) {
      if (mine.contains(field) && has(other, mine[field])) return {reason, mine[field]};
    }
    for (const auto& [field, reason] :
         {std::pair{"kind", "KindConflict"}, {"listKind", "ListKindConflict"}}) {
      if (mine.contains(field) && mine[field].is_string() &&
          (other.value("kind", "") == mine[field] || other.value("listKind", "") == mine[field])) {
        return {reason, mine[field]};
      }
    }
    return {};
  };
  const auto crds = store.list(kCrdCollection, {});
  if (!crds.ok()) return {};
  for (const ObjectPtr& other : crds->items) {
    if (text_at(other->json, {"spec", "group"}) != group || key_of(other->json) == key_of(crd) ||
        !schema::is_established(other->json)) {
      continue;
    }
    schema::NameClash found = check(map_at(other->json, {"spec", "names"}));
    if (!found.reason.empty()) return found;
  }
  return {};
}

}  // namespace nacelle::kube::server
