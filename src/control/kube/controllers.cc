#include "control/kube/controllers.h"

#include <algorithm>
#include <utility>

#include "control/kube/autoscaler_controller.h"
#include "control/kube/claim_controller.h"
#include "control/kube/deployment_controller.h"
#include "control/kube/disruption_budget_controller.h"
#include "control/kube/endpoint_slice_controller.h"
#include "control/kube/job_controller.h"
#include "control/kube/replica_set_controller.h"
#include "control/kube/stateful_set_controller.h"
#include "kube/time.h"

namespace nacelle::control {
namespace {

constexpr const char* kScaledServices = "llmd";

using Units = std::vector<std::unique_ptr<ControllerUnit>>;

struct Entry {
  const char* name;
  bool builtin;  // a Kubernetes has it by itself
  void (*make)(Workshop&, const ControllersOptions&, Units&);
};

// One line per controller.
constexpr Entry kControllers[] = {
    {"deployment", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(deployment_controller(w));
     }},
    {"replicaset", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(replica_set_controller(w));
     }},
    {"endpointslice", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(endpoint_slice_controller(w));
     }},
    {"statefulset", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(stateful_set_controller(w));
     }},
    {"job", true,
     [](Workshop& w, const ControllersOptions&, Units& to) { to.push_back(job_controller(w)); }},
    {"horizontalpodautoscaler", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(autoscaler_controller(w));
     }},
    {"persistentvolume-binder", true,
     [](Workshop& w, const ControllersOptions& o, Units& to) {
       to.push_back(claim_controller(w, o.volumes_folder));
     }},
    {"disruption", true,
     [](Workshop& w, const ControllersOptions&, Units& to) {
       to.push_back(disruption_budget_controller(w));
     }},
    {"kserve", false,
     [](Workshop& w, const ControllersOptions& o, Units& to) {
       to.push_back(kserve_controller(w, o.kserve));
       to.push_back(kserve_config_controller(w));
     }},
    {kScaledServices, false,
     [](Workshop& w, const ControllersOptions& o, Units& to) {
       const auto models = std::make_shared<LocalModels>(w);
       to.push_back(llmd_controller(w, o.kserve, o.llmd, models));
       to.push_back(llmd_pool_controller(w, o.kserve, o.llmd, models));
     }},
};

std::vector<std::string> names(bool builtin, bool serving) {
  std::vector<std::string> out;
  for (const Entry& entry : kControllers) {
    if (entry.builtin ? builtin : serving) out.emplace_back(entry.name);
  }
  return out;
}

ExecutorOptions executor_options(const ControllersOptions& options, SharedInformers& informers) {
  ExecutorOptions out;
  out.manager = options.manager;
  out.uid_of = [&informers](const Target& target) {
    const auto object = informers.get(target);
    return object ? std::string(kube::text_at(*object, {"metadata", "uid"})) : std::string();
  };
  return out;
}

std::function<std::int64_t()> seconds(std::function<std::int64_t()> now_us) {
  return [now_us = std::move(now_us)] {
    return (now_us ? now_us() : kube::wall_now().time_since_epoch().count()) / 1'000'000;
  };
}

}  // namespace

std::vector<std::string> builtin_controllers() { return names(true, false); }
std::vector<std::string> serving_controllers() { return names(false, true); }
std::vector<std::string> all_controllers() { return names(true, true); }

Controllers::Controllers(kube::Client& client, ControllersOptions options)
    : options_(std::move(options)),
      informers_(client, options_.informer_metrics),
      events_(client, options_.manager),
      executor_(client, events_, executor_options(options_, informers_)),
      prober_(client.loop(), options_.ask ? options_.ask : http_ask(client.loop())),
      workshop_{client,
                informers_,
                executor_,
                options_.controller_metrics,
                seconds(options_.now_us),
                options_.probe_addresses ? &prober_ : nullptr},
      scope_(client.loop()) {}

Result<std::unique_ptr<Controllers>> Controllers::create(kube::Client& client,
                                                         ControllersOptions options) {
  const std::vector<std::string> which = options.which;
  std::unique_ptr<Controllers> out(new Controllers(client, std::move(options)));
  for (const std::string& name : which) {
    const auto* entry = std::find_if(std::begin(kControllers), std::end(kControllers),
                                     [&](const Entry& one) { return one.name == name; });
    if (entry == std::end(kControllers)) {
      return invalid_argument("there is no controller '{}'; there are {}", name,
                              fmt::join(all_controllers(), ", "));
    }
    const std::size_t first = out->units_.size();
    entry->make(out->workshop_, out->options_, out->units_);
    if (name == kScaledServices) out->services_ = out->units_[first].get();
  }
  return out;
}

void Controllers::start() {
  informers_.start();
  events_.start();
  scope_.spawn(begin());
}

// What is not listed yet would look as if it were not there.
async::Task<void> Controllers::begin() {
  const Status ready = co_await informers_.ready();
  if (!ready.ok() || scope_.stop_requested()) co_return;
  for (const auto& unit : units_) unit->start();
  running_ = true;
}

async::Task<void> Controllers::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
  co_await informers_.stop();
  for (const auto& unit : units_) co_await unit->stop();
  co_await prober_.stop();
  co_await events_.stop();
}

void Controllers::look_at_load(const kube::ObjectKey& service) {
  if (services_ != nullptr) services_->look_at(service);
}

bool Controllers::settled() const {
  return running_ && prober_.idle() &&
         std::all_of(units_.begin(), units_.end(), [](const auto& unit) { return unit->idle(); });
}

}  // namespace nacelle::control
