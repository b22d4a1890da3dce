// kube_inputs.h: what pods refer to, from the API: config maps, secrets, claims, Services, tokens.
//
// One for all nodes of a process. Listeners hear which objects changed, by their keys
// ("configmap/ns/name", input_keys()), so that a node looks only when a pod of its own refers to
// one.
//
// A claim is a folder when its volume is one of this machine (hostPath or local); the folders of
// volumes that were provisioned for a claim are made when they are asked for.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  those of NodeInputs.
// Bounds:  the objects of five collections; kMaxTokens tokens.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "control/kube/node/token_cache.h"
#include "control/local/node/pod_api.h"
#include "kube/informer.h"

namespace nacelle::control::node {

// The keys of what a pod refers to.
[[nodiscard]] std::vector<std::string> input_keys(const kube::Json& pod);

class KubeInputs final : public NodeInputs {
 public:
  explicit KubeInputs(kube::Client& client);

  void start();
  [[nodiscard]] async::Task<void> stop();
  // Waits for the first lists; deadline_exceeded.
  [[nodiscard]] async::Task<Status> wait_synced(TimePoint deadline);

  using Listener = std::function<void(const std::vector<std::string>& keys)>;
  // Until the returned pointer goes.
  [[nodiscard]] std::shared_ptr<void> listen(Listener listener);

  // What hosts_file() answers; empty: no files.
  void set_hosts(std::function<std::filesystem::path(const std::string& name_space)> hosts) {
    hosts_ = std::move(hosts);
  }

  // pod::ConfigSource, NodeInputs
  [[nodiscard]] std::shared_ptr<const pod::StringMap> config(pod::ConfigKind kind,
                                                             std::string_view name_space,
                                                             std::string_view name) const override;
  [[nodiscard]] std::vector<pod::ServiceInfo> services(std::string_view name_space) const override;
  [[nodiscard]] Result<std::filesystem::path> claim_folder(std::string_view name_space,
                                                           std::string_view claim) const override;
  [[nodiscard]] Result<std::string> service_token(const pod::PodSpec& spec,
                                                  const pod::TokenVolume& volume) const override;
  [[nodiscard]] std::filesystem::path hosts_file(std::string_view name_space) const override {
    return hosts_ ? hosts_(std::string(name_space)) : std::filesystem::path();
  }

  [[nodiscard]] const kube::Informer& claims() const { return claims_; }
  [[nodiscard]] const kube::Informer& volumes() const { return volumes_; }
  [[nodiscard]] const kube::Informer& all_services() const { return services_; }

 private:
  [[nodiscard]] kube::Informer::Handler tell(std::string kind);
  void tell_all(const std::vector<std::string>& keys);
  [[nodiscard]] bool synced() const;

  kube::Informer config_maps_, secrets_, services_, claims_, volumes_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::function<std::filesystem::path(const std::string&)> hosts_;
  async::Event changed_;  // pulsed by every list
  std::unique_ptr<TokenCache> tokens_;
};

}  // namespace nacelle::control::node
