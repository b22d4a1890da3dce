#include "apps/nacelle/api_gateway.h"

#include <algorithm>
#include <map>

#include "async/timer.h"
#include "kube/time.h"
#include "telemetry/log.h"

namespace nacelle::apps {

using kube::CachedObject;
using kube::Json;

struct ApiGateway::Kind {
  const char *group, *version, *plural, *kind;
  bool optional = true;  // its CRD may not be installed
  const char* field_selector = "";
  bool has_our_status = false;  // we write into it

  [[nodiscard]] bool is_pod() const { return std::string_view(kind) == "Pod"; }
  [[nodiscard]] bool is_no_pod() const { return !is_pod(); }
  [[nodiscard]] bool has_status() const { return has_our_status; }
  [[nodiscard]] kube::Resource resource() const { return {group, version, plural}; }
  [[nodiscard]] std::string api_version() const {
    return *group == '\0' ? version : fmt::format("{}/{}", group, version);
  }
};

struct ApiGateway::Watched {
  const Kind* kind;
  std::unique_ptr<kube::Informer> informer;
  // The informer's objects, each with its kind: a model knows those of the last one by pointer.
  std::map<kube::ObjectKey, CachedObject> objects;
};

const std::vector<ApiGateway::Kind>& ApiGateway::kinds() {
  constexpr const char* kGateway = "gateway.networking.k8s.io";
  constexpr const char* kPool = "inference.networking.k8s.io";
  constexpr const char* kOldPool = "inference.networking.x-k8s.io";
  static const std::vector<Kind> kKinds = {
      {kGateway, "v1", "gatewayclasses", "GatewayClass", true, "", true},
      {kGateway, "v1", "gateways", "Gateway", true, "", true},
      {kGateway, "v1", "httproutes", "HTTPRoute", true, "", true},
      {kGateway, "v1beta1", "referencegrants", "ReferenceGrant"},
      {kPool, "v1", "inferencepools", "InferencePool", true, "", true},
      {"llm-d.ai", "v1alpha2", "inferenceobjectives", "InferenceObjective"},
      {"llm-d.ai", "v1alpha2", "inferencemodelrewrites", "InferenceModelRewrite"},
      {kOldPool, "v1alpha2", "inferenceobjectives", "InferenceObjective"},
      {kOldPool, "v1alpha2", "inferencemodelrewrites", "InferenceModelRewrite"},
      {"gateway.nacelle.dev", "v1alpha1", "gatewaypolicies", "GatewayPolicy"},
      {"gateway.nacelle.dev", "v1alpha1", "staticendpoints", "StaticEndpoints"},
      {"", "v1", "services", "Service", false},
      {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", false},
      {"", "v1", "pods", "Pod", false},
      {"", "v1", "namespaces", "Namespace", false},
      {"", "v1", "secrets", "Secret", false, "type=kubernetes.io/tls"},
  };
  return kKinds;
}

namespace {

using Names = std::initializer_list<std::string_view>;

bool is_one_of(const std::string& name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Every member of `a` but the excepted stands in `b` with the same value.
bool contained(const Json& a, const Json& b, Names except) {
  for (const auto& [name, value] : a.items()) {
    if (is_one_of(name, except)) continue;
    const auto other = b.find(name);
    if (other == b.end() || *other != value) return false;
  }
  return true;
}

bool equal_but(const Json& a, const Json& b, Names except) {
  return contained(a, b, except) && contained(b, a, except);
}

// Compares what the data plane reads: all but the status and what every write changes.
bool same_to_see(const Json& a, const Json& b) {
  return equal_but(a, b, {"status", "metadata"}) &&
         equal_but(kube::map_at(a, {"metadata"}), kube::map_at(b, {"metadata"}),
                   {"resourceVersion", "managedFields"});
}

// Items of lists may lack their kind.
CachedObject named(const CachedObject& object, std::string_view kind, const std::string& version) {
  if (kube::text_at(*object, {"kind"}) == kind &&
      kube::text_at(*object, {"apiVersion"}) == version) {
    return object;
  }
  Json out = *object;
  out["kind"] = kind;
  out["apiVersion"] = version;
  return std::make_shared<const Json>(std::move(out));
}

bool looks_equal(const CachedObject& a, const CachedObject& b, bool is_pod) {
  if (is_pod) {
    return (a ? gateway::serving_pod(*a) : std::nullopt) ==
           (b ? gateway::serving_pod(*b) : std::nullopt);
  }
  return a && b && same_to_see(*a, *b);
}

}  // namespace

ApiGateway::ApiGateway(kube::Client& client, Options options, Apply apply, Unserved unserved,
                       kube::InformerMetrics* metrics)
    : client_(client),
      options_(std::move(options)),
      apply_(std::move(apply)),
      unserved_(std::move(unserved)),
      scope_(client.loop()),
      pace_(options_.settle),
      changed_(client.loop()),
      tell_(client.loop()),
      unbound_(client.loop()),
      port_wait_(options_.retry) {
  for (const Kind& kind : kinds()) {
    kube::InformerOptions informer;
    informer.resource = kind.resource();
    informer.optional = kind.optional;
    informer.field_selector = kind.field_selector;
    auto watched = std::make_unique<Watched>();
    watched->kind = &kind;
    watched->informer = std::make_unique<kube::Informer>(
        client, std::move(informer),
        [this, watched = watched.get()](std::span<const kube::ObjectChange> changes) {
          on_changes(*watched, changes);
        },
        metrics);
    watched_.push_back(std::move(watched));
  }
}

ApiGateway::~ApiGateway() = default;

void ApiGateway::start() {
  for (const auto& watched : watched_) watched->informer->start();
  scope_.spawn(run());
  scope_.spawn(try_ports());
  if (options_.tell_statuses) scope_.spawn(tell_statuses());
}

async::Task<void> ApiGateway::stop() {
  scope_.stop();
  changed_.set();
  tell_.set();
  unbound_.set();
  for (const auto& watched : watched_) co_await watched->informer->stop();
  co_await scope_.join();
}

bool ApiGateway::all_synced() const {
  return std::all_of(watched_.begin(), watched_.end(),
                     [](const auto& watched) { return watched->informer->synced(); });
}

void ApiGateway::on_changes(Watched& watched, std::span<const kube::ObjectChange> changes) {
  const Kind& kind = *watched.kind;
  for (const kube::ObjectChange& change : changes) {
    if (!change.now) {
      watched.objects.erase(change.key);
    } else {
      watched.objects[change.key] =
          kind.is_pod() ? change.now : named(change.now, kind.kind, kind.api_version());
    }
  }
  const bool first = !synced_ && all_synced();
  if (first) synced_ = true;
  const bool seen =
      std::any_of(changes.begin(), changes.end(), [&](const kube::ObjectChange& change) {
        return !looks_equal(change.before, change.now, kind.is_pod());
      });
  if (first || (synced_ && seen)) {
    changed_.set();
  } else if (!kind.is_pod()) {
    tell_.set();  // someone else's word, or our own that came back
  }
}

async::Task<void> ApiGateway::run() {
  for (;;) {
    co_await changed_.wait();
    co_await async::sleep_for(pace_.wait(std::chrono::steady_clock::now()));
    if (scope_.stop_requested()) co_return;
    changed_.reset();
    const TimePoint began = std::chrono::steady_clock::now();
    const bool applied = apply_once();
    pace_.made(began, std::chrono::steady_clock::now());
    if (applied) continue;
    const bool go_on = co_await scope_.sleep(options_.retry);
    if (!go_on) co_return;
    changed_.set();
  }
}

std::vector<gateway::ApiObject> ApiGateway::objects(bool (Kind::*of)() const) const {
  std::vector<gateway::ApiObject> objects;
  for (const auto& watched : watched_) {
    if (!(watched->kind->*of)()) continue;
    for (const auto& [key, object] : watched->objects) objects.push_back(object);
  }
  return objects;
}

gateway::ApiModel ApiGateway::make_model() {
  return reader_.model(objects(&Kind::is_no_pod), objects(&Kind::is_pod), options_.settings);
}

bool ApiGateway::apply_once() {
  gateway::ApiModel made = make_model();
  if (std::string wrong = pickers_.mend(made.model); wrong != bad_pickers_) {
    bad_pickers_ = std::move(wrong);
    if (!bad_pickers_.empty()) {
      log::warn("pools keep the picker before one that does not load", {{"why", bad_pickers_}});
    }
  }
  if (made.left_out != left_out_) {
    // Their authors read it in their status; on the way to a whole service this is no trouble.
    if (!made.left_out.empty()) log::info("objects are left out", {{"what", made.left_out}});
    left_out_ = std::move(made.left_out);
  }
  in_force_ = apply_(std::move(made.model));
  report_ = std::move(made.report);
  tell_.set();
  if (!in_force_.ok()) {
    log::error("configuration refused; the one before stays in force", {{"why", in_force_}});
    return false;
  }
  look_at_ports(Try::kNot);
  ++applied_;
  return true;
}

void ApiGateway::look_at_ports(Try how) {
  if (!unserved_) return;
  std::vector<gateway::UnservedPort> ports = unserved_(how);
  if (ports == ports_) return;
  for (const gateway::UnservedPort& port : ports) {
    if (std::find(ports_.begin(), ports_.end(), port) == ports_.end())
      log::warn("port is not served", {{"port", port.address}, {"why", port.why}});
  }
  for (const gateway::UnservedPort& port : ports_) {
    const bool still = std::any_of(ports.begin(), ports.end(),
                                   [&](const auto& one) { return one.address == port.address; });
    if (!still) log::info("port is not missed any more", {{"port", port.address}});
  }
  ports_ = std::move(ports);
  port_wait_ = options_.retry;
  tell_.set();
  if (!ports_.empty()) unbound_.set();
}

async::Task<void> ApiGateway::try_ports() {
  for (;;) {
    co_await unbound_.wait();
    if (scope_.stop_requested()) co_return;
    const Duration wait = port_wait_;
    port_wait_ = std::min<Duration>(2 * wait, options_.slowest_retry);
    const bool go_on = co_await scope_.sleep(wait);
    if (!go_on) co_return;
    look_at_ports(Try::kAgain);
    if (ports_.empty()) unbound_.reset();
  }
}

async::Task<void> ApiGateway::tell_statuses() {
  for (;;) {
    co_await tell_.wait();
    co_await async::sleep_for(pace_.wait(std::chrono::steady_clock::now()));
    if (scope_.stop_requested()) co_return;
    tell_.reset();
    const bool told = co_await write_statuses();
    if (told) continue;
    const bool go_on = co_await scope_.sleep(options_.retry);
    if (!go_on) co_return;
    tell_.set();
  }
}

// False when something is to be tried again. A conflict is none: the newer object comes by watch.
async::Task<bool> ApiGateway::write_statuses() {
  const std::string now = kube::to_time(kube::wall_now());
  const std::vector<gateway::StatusWrite> writes = teller_.differing(
      objects(&Kind::has_status), {report_, in_force_, ports_, options_.addresses, now});
  std::string wrong;
  for (const gateway::StatusWrite& write : writes) {
    const auto kind = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& one) {
      return one.kind == kube::text_at(*write.object, {"kind"});
    });
    const kube::ObjectKey key = kube::key_of(*write.object);
    kube::ObjectRef ref(kind->resource(), key.name_space, key.name, "status");
    Json patch;
    patch["metadata"]["resourceVersion"] = kube::version_of(*write.object);
    patch["status"] = write.status;
    const auto answer =
        co_await client_.patch(std::move(ref), kube::PatchType::kMerge, std::move(patch));
    if (scope_.stop_requested()) co_return true;
    if (answer.ok() && (!answer->error || answer->error->absent() || answer->error->conflict()))
      continue;
    const Status status = kube::status_of(answer);
    wrong = fmt::format("{} {}: {}", kind->kind, key.to_string(), status.message());
  }
  if (!wrong.empty() && wrong != untold_)
    log::warn("statuses could not be written", {{"last", wrong}});
  untold_ = wrong;
  co_return wrong.empty();
}

}  // namespace nacelle::apps
