#include "apps/nacelle/good_pickers.h"

#include <utility>

#include "apps/nacelle/pool_setup.h"
#include "router/objective/objective_documents.h"

namespace nacelle::apps {
namespace {

Status loads(const gateway::ClusterConfig& pool) {
  RETURN_IF_ERROR(load_pool_setup(pool, false).error());
  return router::objective::parse_objective_documents(pool.picker.objects)
      .error()
      .with_context(pool.name);
}

}  // namespace

std::string GoodPickers::mend(gateway::GatewayModel& model) {
  std::map<std::string, Seen> seen;
  std::string problems;
  for (gateway::ClusterConfig& cluster : model.clusters) {
    if (cluster.kind != gateway::ClusterConfig::Kind::kPool) continue;
    Seen now{cluster.picker, {}, ""};
    const auto before = seen_.find(cluster.name);
    if (before != seen_.end() && before->second.asked == cluster.picker) {
      now = before->second;
    } else if (const Status status = loads(cluster); status.ok()) {
      now.good = cluster.picker;
    } else {
      now.problem = status.message();
      if (before != seen_.end()) now.good = before->second.good;
    }
    if (!now.problem.empty()) problems += (problems.empty() ? "" : "\n") + now.problem;
    cluster.picker = now.good;
    seen.insert_or_assign(cluster.name, std::move(now));
  }
  seen_ = std::move(seen);
  return problems;
}

}  // namespace nacelle::apps
