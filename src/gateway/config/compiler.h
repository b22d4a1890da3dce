// compiler.h: the inside of compile.h, in parts: references, clusters, listeners, routes.
//
// Home:    one thread; one object per compilation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/compile.h"
#include "gateway/config/report.h"

namespace nacelle::gateway {

// Looks objects up by reference and says what is wrong with references.
class References {
 public:
  References(const Objects& objects, Problems& problems, Problems& unresolved,
             CompileReport& report)
      : objects_(objects), problems_(problems), unresolved_(unresolved), report_(report) {}

  // While it lives, the first reference that is wrong is `finding`'s too; `missing` is the reason
  // when there is no such object.
  class Judging {
   public:
    Judging(References& references, Finding& finding, std::string_view missing)
        : references_(references),
          before_(references.finding_),
          missing_before_(references.missing_reason_) {
      references.finding_ = &finding;
      references.missing_reason_ = missing;
    }
    ~Judging() {
      references_.finding_ = before_;
      references_.missing_reason_ = missing_before_;
    }
    Judging(const Judging&) = delete;
    Judging& operator=(const Judging&) = delete;

   private:
    References& references_;
    Finding* const before_;
    const std::string_view missing_before_;
  };

  // True when `from_kind` objects of `from_namespace` may name the target.
  [[nodiscard]] bool granted(std::string_view from_group, std::string_view from_kind,
                             std::string_view from_namespace, const ObjectRef& target) const;

  // The object, or nullptr after a problem.
  template <class T>
  const T* find(const std::vector<T>& list, const ObjectRef& ref, std::string_view kind) {
    std::vector<std::string> names;
    for (const T& object : list) {
      if (object.meta.name_space == ref.name_space && object.meta.name == ref.name) return &object;
      names.push_back(object.meta.name);
    }
    missing(ref, kind, names);
    return nullptr;
  }

  // The value of a key of a Secret or ConfigMap, "" after a problem.
  std::string value(const std::vector<SecretObject>& list, const ObjectRef& ref,
                    std::string_view kind, const std::string& key);

  // `reason`: that of the condition; "" is the one of missing objects.
  void refuse(const ObjectRef& ref, std::string_view why, std::string_view reason = "");

  [[nodiscard]] const Objects& objects() const { return objects_; }
  [[nodiscard]] Problems& problems() { return problems_; }
  [[nodiscard]] CompileReport& report() { return report_; }

 private:
  void missing(const ObjectRef& ref, std::string_view kind, const std::vector<std::string>& names);

  const Objects& objects_;
  Problems& problems_;    // always refuse
  Problems& unresolved_;  // refuse files only
  CompileReport& report_;
  Finding* finding_ = nullptr;  // of what is looked at
  std::string_view missing_reason_;
};

// Clusters, made when a rule first names them.
class Clusters {
 public:
  explicit Clusters(References& references) : references_(references) {}

  // kNoCluster after a problem. `from` is the naming route.
  std::uint32_t find_or_add(const ObjectRef& ref, const RouteObject& from);
  [[nodiscard]] std::vector<ClusterConfig> take() { return std::move(clusters_); }

 private:
  std::uint32_t add(ClusterConfig cluster, const ObjectRef& ref);
  std::uint32_t service(const ObjectRef& ref);
  std::uint32_t pool(const ObjectRef& ref);
  std::uint32_t external(const ObjectRef& ref);
  void apply_policies(const ObjectRef& ref, ClusterConfig& cluster);
  void apply_tls(const ObjectRef& ref, const std::string& port_name, ClusterConfig& cluster);
  void add_pods(const PoolObject& pool, ClusterConfig& cluster);
  void add_static_endpoints(const ObjectRef& ref, ClusterConfig& cluster);

  References& references_;
  std::vector<ClusterConfig> clusters_;
  std::map<std::string, std::uint32_t> by_name_;
};

// A listener with its place in the model.
struct PlacedListener {
  const GatewayObject* gateway = nullptr;
  const ListenerObject* object = nullptr;
  ListenerReport* report = nullptr;
  std::size_t port = 0, listener = 0;  // indices into the model; kNowhere: it does not serve
  static constexpr std::size_t kNowhere = SIZE_MAX;
};

// The certificate and key of a Secret that a Gateway of that namespace names; nullopt after a
// problem.
std::optional<CertificateConfig> certificate_of(References& references, const ObjectRef& ref,
                                                const std::string& gateway_namespace);
// Gives TLS clusters that have no client certificate of their own that of the Gateways.
void show_client_certificate(References& references, const std::vector<PlacedListener>& listeners,
                             std::vector<ClusterConfig>& clusters);
std::vector<PlacedListener> place_listeners(References& references, GatewayModel& model);
void attach_routes(References& references, Clusters& clusters,
                   const std::vector<PlacedListener>& listeners, GatewayModel& model);

}  // namespace nacelle::gateway
