// serving_view.h: what a decision about one service looks at, gathered from the informers.
//
// For services of both groups: serving.kserve.io and inference.llm-d.ai.
//
// Home:    the client's loop; one for one decision: what lookup() read lives as long as this.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/kserve/decide.h"
#include "control/kube/controller_unit.h"

namespace nacelle::control {

struct KserveOptions {
  // Where presets lie, and the ConfigMap inferenceservice-config, which may be absent.
  std::string system_namespace = "kserve";
  kserve::Platform platform{.rbac = true, .old_pools = false};
  // What a pool was asked and how it answered; nothing for one that no gateway knows. Null: nobody
  // counts. On the controllers' loop.
  std::function<std::optional<kserve::PoolTraffic>(const kube::ObjectKey& pool)> traffic;
};

inline constexpr const char* kGlobalConfigName = "inferenceservice-config";
inline constexpr const char* kNameLabel = "app.kubernetes.io/name";
inline constexpr const char* kPartOfLabel = "app.kubernetes.io/part-of";
inline constexpr const char* kPartOfValue = "llminferenceservice";

class ServingView {
 public:
  ServingView(Workshop& workshop, const KserveOptions& options)
      : workshop_(workshop), informers_(workshop.informers), options_(options) {}

  [[nodiscard]] kserve::GlobalConfig global_config();
  [[nodiscard]] kserve::Lookup lookup();
  // Puts what the certificate of the service needs in front of `decision`.
  void add_certificate(const Json& service, const std::string& cluster_domain, bool stopped,
                       Decision& decision);
  [[nodiscard]] kserve::Observed observe(const Json& service, const std::vector<Refusal>& refused);
  // What those that it waits for have said; nothing: nobody asks.
  [[nodiscard]] std::optional<std::map<std::string, AddressAnswer>> answers(
      const Target& service) const;
  // The addresses that the decision about `service` waits for; `again` when one has answered.
  void ask(const Target& service, const Decision& decision, const std::function<void()>& again);

 private:
  void observe_group(const Json& service, kserve::Observed& out);
  void observe_traffic(const Json& service, kserve::Observed& out) const;

  Workshop& workshop_;
  SharedInformers& informers_;
  const KserveOptions& options_;
  std::vector<kube::CachedObject> read_;
};

// Keys of all objects of a kind, for changes that may concern every one.
[[nodiscard]] std::vector<kube::ObjectKey> keys_of(SharedInformers& informers,
                                                   std::string_view api_version,
                                                   std::string_view kind);
// For kinds that are read, and whose changes matter by what follows from them.
[[nodiscard]] inline std::vector<kube::ObjectKey> no_keys(const Json&) { return {}; }
// What of a config, and of a gateway, services are made from: not who uses them, nor how many
// routes are attached.
[[nodiscard]] bool other_spec(const Json& before, const Json& now);
// What is asked of an object, not what is said of it.
[[nodiscard]] bool other_than_status(const Json& before, const Json& now);
[[nodiscard]] bool other_gateway(const Json& before, const Json& now);
// Whether a change of the Gateway may matter to the service: it names it, its routes reach it, or
// something about its routing does not hold, which the Gateway may be the end of.
[[nodiscard]] bool may_concern(const kube::ObjectKey& gateway, const Json& service);
// The service that a pod belongs to by its labels.
[[nodiscard]] std::vector<kube::ObjectKey> service_of_pod(const Json& pod);

}  // namespace nacelle::control
