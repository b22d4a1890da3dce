#include "kube/schema/kind.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace nacelle::kube::schema {
namespace {

// Lower sorts first: class (GA, beta, alpha, other), then the numbers descending, then the name.
std::tuple<int, int, int, std::string_view> rank(std::string_view version) {
  const auto other = std::make_tuple(3, 0, 0, version);
  if (!version.starts_with('v')) return other;
  const char* at = version.data() + 1;
  const char* end = version.data() + version.size();
  int major = 0;
  auto read = std::from_chars(at, end, major);
  if (read.ec != std::errc()) return other;
  if (read.ptr == end) return {0, -major, 0, {}};
  const std::string_view rest(read.ptr, static_cast<std::size_t>(end - read.ptr));
  for (const auto& [word, level] : {std::pair{std::string_view("beta"), 1}, {"alpha", 2}}) {
    if (!rest.starts_with(word)) continue;
    int minor = 0;
    const auto tail = std::from_chars(rest.data() + word.size(), end, minor);
    if (tail.ec != std::errc() || tail.ptr != end) return other;
    return {level, -major, -minor, {}};
  }
  return other;
}

}  // namespace

bool version_before(std::string_view a, std::string_view b) { return rank(a) < rank(b); }

Registry::Registry(std::vector<KindPtr> kinds) : kinds_(std::move(kinds)) {
  for (const KindPtr& kind : kinds_) {
    by_path_[kind->group + "/" + kind->version + "/" + kind->plural] = kind;
    by_kind_[kind->api_version() + "/" + kind->kind] = kind;
    KindPtr& preferred = by_collection_[kind->collection];
    // The stored version needs no conversion.
    if (preferred == nullptr || kind->api_version() == kind->storage_version) preferred = kind;
    if (kind->group.empty()) continue;
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [&](const Group& one) { return one.name == kind->group; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {kind->group, {}});
    if (std::find(group->versions.begin(), group->versions.end(), kind->version) ==
        group->versions.end()) {
      group->versions.push_back(kind->version);
    }
  }
  for (Group& group : groups_) {
    std::sort(group.versions.begin(), group.versions.end(), version_before);
  }
}

KindPtr Registry::find(std::string_view group, std::string_view version,
                       std::string_view plural) const {
  const auto found =
      by_path_.find(std::string(group) + "/" + std::string(version) + "/" + std::string(plural));
  return found == by_path_.end() ? nullptr : found->second;
}

KindPtr Registry::find_kind(std::string_view api_version, std::string_view kind) const {
  const auto found = by_kind_.find(std::string(api_version) + "/" + std::string(kind));
  return found == by_kind_.end() ? nullptr : found->second;
}

KindPtr Registry::of_collection(std::string_view collection) const {
  const auto found = by_collection_.find(collection);
  return found == by_collection_.end() ? nullptr : found->second;
}

bool Registry::has_version(std::string_view group, std::string_view version) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const KindPtr& kind) {
    return kind->group == group && kind->version == version;
  });
}

std::vector<KindPtr> Registry::of_version(std::string_view group, std::string_view version) const {
  std::vector<KindPtr> out;
  for (const KindPtr& kind : kinds_) {
    if (kind->group == group && kind->version == version) out.push_back(kind);
  }
  return out;
}

}  // namespace nacelle::kube::schema
