#include "apps/nacelle/api_gateway.h"

#include <algorithm>

#include "telemetry/log.h"

namespace nacelle::apps {

using kube::CachedObject;
using kube::Json;

struct ApiGateway::Kind {
  const char *group, *version, *plural, *kind;
  bool optional = true;  // its CRD may not be installed
  const char* field_selector = "";

  [[nodiscard]] bool is_pod() const { return std::string_view(kind) == "Pod"; }
  [[nodiscard]] std::string api_version() const {
    return *group == '\0' ? version : fmt::format("{}/{}", group, version);
  }
};

struct ApiGateway::Watched {
  const Kind* kind;
  std::unique_ptr<kube::Informer> informer;
};

const std::vector<ApiGateway::Kind>& ApiGateway::kinds() {
  constexpr const char* kGateway = "gateway.networking.k8s.io";
  constexpr const char* kPool = "inference.networking.k8s.io";
  static const std::vector<Kind> kKinds = {
      {kGateway, "v1", "gatewayclasses", "GatewayClass"},
      {kGateway, "v1", "gateways", "Gateway"},
      {kGateway, "v1", "httproutes", "HTTPRoute"},
      {kGateway, "v1beta1", "referencegrants", "ReferenceGrant"},
      {kPool, "v1", "inferencepools", "InferencePool"},
      {"llm-d.ai", "v1alpha2", "inferenceobjectives", "InferenceObjective"},
      {"llm-d.ai", "v1alpha2", "inferencemodelrewrites", "InferenceModelRewrite"},
      {"gateway.nacelle.dev", "v1alpha1", "gatewaypolicies", "GatewayPolicy"},
      {"", "v1", "services", "Service", false},
      {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", false},
      {"", "v1", "pods", "Pod", false},
      {"", "v1", "namespaces", "Namespace", false},
      {"", "v1", "secrets", "Secret", false, "type=kubernetes.io/tls"},
  };
  return kKinds;
}

namespace {

// What the data plane reads of an object: all but its status and what every write changes.
Json visible_part(const Json& object) {
  Json out = object;
  out.erase("status");
  if (const auto metadata = out.find("metadata"); metadata != out.end() && metadata->is_object()) {
    metadata->erase("resourceVersion");
    metadata->erase("managedFields");
  }
  return out;
}

bool looks_equal(const CachedObject& a, const CachedObject& b, bool is_pod) {
  if (is_pod) {
    return (a ? gateway::serving_pod(*a) : std::nullopt) ==
           (b ? gateway::serving_pod(*b) : std::nullopt);
  }
  return a && b && visible_part(*a) == visible_part(*b);
}

}  // namespace

ApiGateway::ApiGateway(kube::Client& client, Options options, Apply apply,
                       kube::InformerMetrics* metrics)
    : options_(std::move(options)),
      apply_(std::move(apply)),
      scope_(client.loop()),
      changed_(client.loop()) {
  for (const Kind& kind : kinds()) {
    kube::InformerOptions informer;
    informer.resource = {kind.group, kind.version, kind.plural};
    informer.optional = kind.optional;
    informer.field_selector = kind.field_selector;
    auto watched = std::make_unique<Watched>();
    watched->kind = &kind;
    watched->informer = std::make_unique<kube::Informer>(
        client, std::move(informer),
        [this, &kind](std::span<const kube::ObjectChange> changes) { on_changes(kind, changes); },
        metrics);
    watched_.push_back(std::move(watched));
  }
}

ApiGateway::~ApiGateway() = default;

void ApiGateway::start() {
  for (const auto& watched : watched_) watched->informer->start();
  scope_.spawn(run());
}

async::Task<void> ApiGateway::stop() {
  scope_.stop();
  changed_.set();
  for (const auto& watched : watched_) co_await watched->informer->stop();
  co_await scope_.join();
}

bool ApiGateway::all_synced() const {
  return std::all_of(watched_.begin(), watched_.end(),
                     [](const auto& watched) { return watched->informer->synced(); });
}

void ApiGateway::on_changes(const Kind& kind, std::span<const kube::ObjectChange> changes) {
  const bool first = !synced_ && all_synced();
  if (first) synced_ = true;
  const bool seen =
      std::any_of(changes.begin(), changes.end(), [&](const kube::ObjectChange& change) {
        return !looks_equal(change.before, change.now, kind.is_pod());
      });
  if (first || (synced_ && seen)) changed_.set();
}

async::Task<void> ApiGateway::run() {
  for (;;) {
    co_await changed_.wait();
    const bool settled = co_await scope_.sleep(options_.settle);
    if (!settled) co_return;
    changed_.reset();
    if (apply_once()) continue;
    const bool go_on = co_await scope_.sleep(options_.retry);
    if (!go_on) co_return;
    changed_.set();
  }
}

gateway::ApiModel ApiGateway::make_model() const {
  std::vector<gateway::ApiObject> objects, pods;
  for (const auto& watched : watched_) {
    for (const auto& [key, object] : watched->informer->objects()) {
      if (watched->kind->is_pod()) {
        pods.push_back(object);
        continue;
      }
      Json named = *object;  // items of lists may lack their kind
      named["kind"] = watched->kind->kind;
      named["apiVersion"] = watched->kind->api_version();
      objects.push_back(std::make_shared<const Json>(std::move(named)));
    }
  }
  return gateway::model_of_api(objects, pods, options_.settings);
}

bool ApiGateway::apply_once() {
  gateway::ApiModel made = make_model();
  if (made.left_out != left_out_) {
    if (!made.left_out.empty()) log::warn("objects are left out", {{"what", made.left_out}});
    left_out_ = std::move(made.left_out);
  }
  const Status status = apply_(std::move(made.model));
  if (!status.ok()) {
    log::error("configuration refused; the one before stays in force", {{"why", status}});
    return false;
  }
  ++applied_;
  return true;
}

}  // namespace nacelle::apps
