// compiler.h: the inside of compile.h, in parts: references, clusters, listeners, routes.
//
// Home:    one thread; one object per compilation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/config/compile.h"
#include "gateway/config/report.h"

namespace nacelle::gateway {

// Looks objects up by reference and says what is wrong with references.
//
// Each list is gone through once, when it is first asked: a model of n objects costs n, not n for
// each of its references.
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
  const T* find(const ObjectList<T>& list, const ObjectRef& ref, std::string_view kind) {
    const auto [at, is_new] = by_name_.try_emplace(&list);
    if (is_new) {
      for (const T& object : list) at->second.emplace(object.meta.full_name(), &object);
    }
    const auto found = at->second.find(name_of(ref));
    if (found != at->second.end()) return static_cast<const T*>(found->second);
    std::vector<std::string_view> names;
    for (const T& object : list) {
      if (names.size() == kMaxHints) break;
      names.push_back(object.meta.name);
    }
    missing(ref, kind, names);
    return nullptr;
  }

  // The objects of `list` whose `targets` name that one, in the order of the list.
  template <class T>
  std::vector<const T*> targeting(const ObjectList<T>& list, std::string_view kind,
                                  const std::string& full_name) {
    const auto [at, is_new] = by_target_.try_emplace(&list);
    if (is_new) {
      for (const T& object : list) {
        for (const ObjectRef& target : object.targets) {
          auto& named = at->second[target_key(target.kind, name_of(target))];
          if (named.empty() || named.back() != &object) named.push_back(&object);
        }
      }
    }
    std::vector<const T*> out;
    const auto found = at->second.find(target_key(kind, full_name));
    if (found == at->second.end()) return out;
    for (const void* object : found->second) out.push_back(static_cast<const T*>(object));
    return out;
  }

  // The value of a key of a Secret or ConfigMap, "" after a problem.
  std::string value(const ObjectList<SecretObject>& list, const ObjectRef& ref,
                    std::string_view kind, const std::string& key);

  // `reason`: that of the condition; "" is the one of missing objects.
  void refuse(const ObjectRef& ref, std::string_view why, std::string_view reason = "");

  [[nodiscard]] const Objects& objects() const { return objects_; }
  [[nodiscard]] Problems& problems() { return problems_; }
  [[nodiscard]] CompileReport& report() { return report_; }

 private:
  // Names that a typing error is compared with.
  static constexpr std::size_t kMaxHints = 256;

  static std::string name_of(const ObjectRef& ref) { return ref.name_space + "/" + ref.name; }
  static std::string target_key(std::string_view kind, const std::string& full_name) {
    return std::string(kind) + " " + full_name;
  }
  void missing(const ObjectRef& ref, std::string_view kind,
               const std::vector<std::string_view>& names);

  const Objects& objects_;
  Problems& problems_;    // always refuse
  Problems& unresolved_;  // refuse files only
  CompileReport& report_;
  Finding* finding_ = nullptr;  // of what is looked at
  std::string_view missing_reason_;
  // By list: its objects by name, and by the name of what they target.
  std::unordered_map<const void*, std::unordered_map<std::string, const void*>> by_name_;
  std::unordered_map<const void*, std::unordered_map<std::string, std::vector<const void*>>>
      by_target_;
};

// Clusters, made when a rule first names them.
class Clusters {
 public:
  explicit Clusters(References& references);

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

  [[nodiscard]] const std::vector<const PodObject*>& candidates(const PoolObject& pool) const;
  void index_slices();
  void index_pods();
  void index_picker_objects();

  References& references_;
  std::vector<ClusterConfig> clusters_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
  std::unordered_map<std::string, std::vector<const SliceObject*>> slices_;  // by service
  // By namespace and one label that some pool asks for.
  std::unordered_map<std::string, std::vector<const PodObject*>> pods_;
  // By namespace and pool, "" for those of any pool; with their places in the list.
  std::unordered_map<std::string, std::vector<std::pair<std::size_t, const PickerObject*>>>
      picker_objects_;
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
