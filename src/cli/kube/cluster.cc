#include "cli/kube/cluster.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "kube/http_transport.h"

namespace nacelle::cli {
namespace {

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

}  // namespace

Result<ClusterChoice> find_cluster(const ClusterOptions& options) {
  ClusterChoice out;
  const std::filesystem::path of_up = options.data_dir / "api" / "kubeconfig";
  const std::filesystem::path of_user = options.home / ".kube" / "config";
  if (!options.kubeconfig.empty()) {
    out.from = options.kubeconfig;
    ASSIGN_OR_RETURN(out.config, kube::load_kubeconfig(options.kubeconfig, options.context));
  } else if (!options.kubeconfig_list.empty()) {
    out.from = "$KUBECONFIG=" + options.kubeconfig_list;
    ASSIGN_OR_RETURN(out.config, kube::load_kubeconfigs(options.kubeconfig_list, options.context));
  } else if (!options.data_dir.empty() && is_there(of_up)) {
    out.from = of_up.string();
    out.of_up = true;
    ASSIGN_OR_RETURN(out.config, kube::load_kubeconfig(of_up, options.context));
  } else if (!options.home.empty() && is_there(of_user)) {
    out.from = of_user.string();
    ASSIGN_OR_RETURN(out.config, kube::load_kubeconfig(of_user, options.context));
  } else {
    return not_found(
        "no API server is known: there is no {} and no {}. Start `nacelle up` first, or name a "
        "kubeconfig with --kubeconfig or $KUBECONFIG",
        of_up.string(), of_user.string());
  }
  if (!options.name_space.empty()) out.config.name_space = options.name_space;
  return out;
}

Result<Cluster> Cluster::connect(async::Loop& loop, ClusterChoice choice) {
  Cluster out;
  out.name_space = choice.config.name_space;
  out.hint = fmt::format("The API server is {} (from {}).", choice.config.server, choice.from);
  if (choice.of_up) out.hint += " Is `nacelle up` running?";
  choice.config.user_agent = "nacelle";
  kube::ClientIdentity identity;
  identity.user_agent = "nacelle-cli";
  identity.field_manager = "nacelle";
  identity.name_space = out.name_space;
  ASSIGN_OR_RETURN(auto transport, kube::HttpTransport::create(loop, std::move(choice.config)));
  out.transport = std::move(transport);
  out.client = std::make_unique<kube::Client>(out.transport, std::move(identity));
  return out;
}

}  // namespace nacelle::cli
