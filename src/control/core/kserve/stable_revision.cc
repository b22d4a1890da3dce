#include "control/core/kserve/stable_revision.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/readiness.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

// Of a workload that was made before revisions were written down, by its template.
Revision revision_of_seen(const Json& wanted, const Json& seen, const Revision& revision) {
  const auto annotation = [&](std::string_view key) {
    return std::string(text_at(seen, {"metadata", "annotations", key}));
  };
  Revision out{annotation(kRevisionAnnotation), annotation(kRevisionModelsAnnotation)};
  if (!out.digest.empty()) return out;
  const Json pods_alone = {
      {"apiVersion", text_at(wanted, {"apiVersion"})},
      {"kind", text_at(wanted, {"kind"})},
      {"spec", {{workload_template_key(text_at(wanted, {"kind"})), workload_template(wanted)}}}};
  if (covers(seen, pods_alone)) return revision;
  return {digest_of(workload_template(seen)), revision.models};
}

std::string why_not_of_spec(const Spec& spec) {
  if (spec.route.is_null() || !kube::list_at(spec.route, {"http", "refs"}).empty()) {
    return "the service has no route of its own to split";
  }
  if (!spec.route_group().empty()) return "a traffic group splits the route by weights already";
  if (!spec.scheduler.is_null() && !spec.managed_scheduler()) {
    return "the pool is not the service's own";
  }
  return "";
}

}  // namespace

std::vector<StableSide> stable_sides(const Owner& owner, const Observed& observed,
                                     const Revision& revision, std::vector<Json>& wanted) {
  std::vector<StableSide> out;
  for (Json& object : wanted) {
    if (!is_stable(owner, object)) continue;
    StableSide side{
        &object, child_of(observed, text_at(object, {"kind"}), kube::key_of(object).name), {}};
    if (side.seen != nullptr) side.revision = revision_of_seen(object, *side.seen, revision);
    set_revision(object, revision);
    out.push_back(std::move(side));
  }
  return out;
}

std::string why_no_canary(const Owner& owner, const Observed& observed, const Revision& revision,
                          const std::vector<StableSide>& sides, const std::vector<Json>& wanted) {
  if (std::string why = why_not_of_spec(owner.spec); !why.empty()) return why;
  if (pool_takes_canary(owner, wanted)) {
    return "the selector of the pool would take the canary's pods, too";
  }
  const std::string_view uid = text_at(owner.service, {"metadata", "uid"});
  for (const Json& child : observed.children) {
    if (!is_of_canary(owner, child) || controller_of(child) == uid) continue;
    return fmt::format("{} {} is controlled by somebody else", text_at(child, {"kind"}),
                       kube::key_of(child).name);
  }
  for (const StableSide& side : sides) {
    if (side.seen == nullptr || side.revision.digest == revision.digest) continue;
    if (!side.revision.models.empty() && side.revision.models != revision.models) {
      return fmt::format("the revision serves {}, and the one before it {}", revision.models,
                         side.revision.models);
    }
    if (kube::map_at(*side.seen, {"spec", "selector"}) !=
        kube::map_at(*side.wanted, {"spec", "selector"})) {
      return "the selector of " + kube::key_of(*side.seen).name + " changes";
    }
  }
  return "";
}

}  // namespace nacelle::control::kserve
