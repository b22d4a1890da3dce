#include "kube/store/collection.h"

#include <algorithm>

namespace nacelle::kube::store {

void Collection::apply(const ChangePtr& change) {
  if (change->deleted) {
    objects.erase(change->key);
  } else {
    objects[change->key] = change->after;
  }
  history.push_back(change);
}

std::vector<ChangePtr> Collection::changes_after(std::uint64_t revision, std::size_t most) const {
  const auto begin = std::upper_bound(
      history.begin(), history.end(), revision,
      [](std::uint64_t value, const ChangePtr& change) { return value < change->revision; });
  const auto size = std::min<std::size_t>(most, static_cast<std::size_t>(history.end() - begin));
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

std::map<ObjectKey, ObjectPtr> Collection::as_of(std::uint64_t revision) const {
  std::map<ObjectKey, ObjectPtr> out = objects;
  for (auto change = history.rbegin(); change != history.rend(); ++change) {
    if ((*change)->revision <= revision) break;
    if ((*change)->before == nullptr) {
      out.erase((*change)->key);
    } else {
      out[(*change)->key] = (*change)->before;
    }
  }
  return out;
}

void Collection::ring() {
  std::erase_if(bells, [](const std::weak_ptr<Bell>& weak) {
    const std::shared_ptr<Bell> bell = weak.lock();
    if (bell == nullptr) return true;
    (void)bell->post(true);  // full: it rings already
    return false;
  });
}

Page page_of(const std::map<ObjectKey, ObjectPtr>& objects, const ListQuery& query,
             std::size_t limit) {
  Page page;
  auto at = objects.begin();
  if (!query.name_space.empty()) at = objects.lower_bound(ObjectKey{query.name_space, ""});
  if (query.after.has_value()) {
    const auto behind = objects.upper_bound(*query.after);
    if (query.name_space.empty() || *query.after >= ObjectKey{query.name_space, ""}) at = behind;
  }
  for (; at != objects.end(); ++at) {
    if (!query.name_space.empty() && at->first.name_space != query.name_space) break;
    if (limit != 0 && page.items.size() == limit) {
      page.more = true;
      ++page.remaining;
      continue;
    }
    page.items.push_back(at->second);
  }
  return page;
}

}  // namespace nacelle::kube::store
