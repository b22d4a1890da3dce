#include "control/core/llmd/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/quantity.h"
#include "control/core/llmd/engine_args.h"
#include "control/core/llmd/pool.h"
#include "control/core/llmd/service_form.h"

namespace nacelle::control::llmd {
namespace {

using kube::Condition;
using kube::Json;

std::optional<std::int64_t> declared_vram(const Json& service) {
  const Json* vram = kube::find(service, {"spec", "resources", "vram"});
  if (vram == nullptr) return std::nullopt;
  const auto amount = Quantity::from_json(*vram);
  if (!amount.ok() || amount->value() < 1) return std::nullopt;
  return amount->value();
}

bool serves(const NodeDevices& devices, const std::string& resource) {
  return devices.bytes > 0 && (resource.empty() || devices.resource == resource);
}

Condition condition(const char* status, std::string reason, std::string message) {
  return {kVramValidated, status, std::move(reason), std::move(message)};
}

// What is on each device, and what of it may be filled.
class Places {
 public:
  Places(const std::vector<std::int64_t>& sizes, double utilization) {
    for (const std::int64_t size : sizes) {
      free_.push_back(static_cast<std::int64_t>(static_cast<double>(size) * utilization));
    }
  }

  // On as many different devices as it needs, or on none.
  bool take(const Need& need) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < free_.size(); ++i) {
      if (static_cast<std::int64_t>(chosen.size()) == need.devices) break;
      if (free_[i] >= need.tenant.total()) chosen.push_back(i);
    }
    if (static_cast<std::int64_t>(chosen.size()) < need.devices) return false;
    for (const std::size_t i : chosen) free_[i] -= need.tenant.total();
    return true;
  }

  [[nodiscard]] std::int64_t most_free() const {
    return free_.empty() ? 0 : *std::max_element(free_.begin(), free_.end());
  }

 private:
  std::vector<std::int64_t> free_;
};

Status no_place(const Need& need, const std::vector<Tenant>& tenants,
                const std::vector<std::int64_t>& sizes, std::int64_t most_free) {
  if (static_cast<std::int64_t>(sizes.size()) < need.devices) {
    return failed_precondition("{} needs {} devices at once, there are {}", need.tenant.name,
                               need.devices, sizes.size());
  }
  if (sizes.size() == 1) return check_device(tenants, sizes[0]);
  std::string list;
  for (const Tenant& tenant : tenants) list += (list.empty() ? "" : "; ") + describe(tenant);
  return failed_precondition(
      "{} finds no place beside the others on {} devices of at most {} GiB, of which {:.0f} % may "
      "be filled, {} GiB too much: {}",
      need.tenant.name, sizes.size(), in_gib(sizes.front()), utilization_of(tenants) * 100,
      in_gib(std::max<std::int64_t>(0, need.tenant.total() - most_free)), list);
}

}  // namespace

bool uses_devices(const Json& service) {
  return device_ask(service).count > 0 || declared_vram(service).has_value();
}

bool needs_model(const Json& service, const std::vector<NodeDevices>& devices) {
  if (declared_vram(service) || kube::is_being_deleted(service)) return false;
  const DeviceAsk ask = device_ask(service);
  return ask.count > 0 && std::any_of(devices.begin(), devices.end(), [&](const NodeDevices& one) {
           return serves(one, ask.resource);
         });
}

Need need_of(const Json& service, const ModelFacts& model) {
  Need out;
  out.resource = device_ask(service).resource;
  out.devices = std::min(devices_of(service), kMaxPoolGpus);
  out.tenant.name = kube::key_of(service).name;
  const auto unknown = [&](std::string reason, std::string message) {
    out.reason = std::move(reason);
    out.message = std::move(message);
    return out;
  };
  if (!uses_devices(service)) return unknown("NoDeviceAsked", "no device is in its limits");
  const Result<EngineShape> engine =
      engine_shape(kube::list_at(service, {"spec", "engine", "args"}));
  if (engine.ok()) out.tenant.utilization = engine->utilization;
  if (const auto declared = declared_vram(service)) {
    out.tenant.declared = (*declared - 1) / out.devices + 1;
    return out;
  }
  if (!model.shape) {
    if (model.reason.empty()) return unknown("ModelNotRead", "its model was not looked at");
    return unknown(model.reason, model.message);
  }
  if (!engine.ok()) return unknown("EngineArguments", engine.error().message());
  const Result<MemoryTerms> terms = memory_of(*model.shape, *engine);
  if (!terms.ok()) return unknown("EngineArguments", terms.error().message());
  out.tenant.terms = *terms;
  return out;
}

Condition fits_alone(const Need& need, const std::vector<NodeDevices>& devices) {
  std::int64_t largest = 0;
  std::int64_t smallest = kMostBytes;
  for (const NodeDevices& one : devices) {
    if (!serves(one, need.resource)) continue;
    largest = std::max(largest, one.bytes);
    smallest = std::min(smallest, one.bytes);
  }
  if (largest == 0) {
    const std::string resource = need.resource.empty() ? "nvidia.com/gpu" : need.resource;
    return condition(
        "Unknown", "DeviceMemoryUnknown",
        "no node says how much memory its devices have (label " + resource + ".memory, in MiB)");
  }
  if (!need.known()) return condition("Unknown", need.reason, need.message);
  const char* hint = need.tenant.declared ? "" : "; spec.resources.vram, where given, is believed";
  if (const Status fits = check_device({need.tenant}, largest); !fits.ok()) {
    return condition("False", kInsufficient, fits.message() + hint);
  }
  if (const Status fits = check_device({need.tenant}, smallest); !fits.ok()) {
    return condition("True", "FitsLargerDevices", "not on every node: " + fits.message() + hint);
  }
  return condition("True", "Fits",
                   fmt::format("{} GiB of {:.0f} % of a {} GiB device", describe(need.tenant),
                               need.tenant.utilization * 100, in_gib(smallest)));
}

std::vector<std::int64_t> device_sizes(const std::vector<NodeDevices>& devices,
                                       std::int64_t at_most) {
  const auto most = static_cast<std::size_t>(std::clamp<std::int64_t>(at_most, 0, kMaxPoolGpus));
  std::int64_t largest = 0;
  std::int64_t smallest = kMostBytes;
  for (const NodeDevices& one : devices) {
    if (one.bytes == 0) continue;
    largest = std::max(largest, one.bytes);
    smallest = std::min(smallest, one.bytes);
  }
  if (largest == 0) return {};
  std::vector<std::int64_t> out;
  for (const NodeDevices& one : devices) {
    const auto count = static_cast<std::size_t>(std::min(one.physical(), kMaxPoolGpus));
    out.insert(out.end(), count, one.bytes == 0 ? smallest : one.bytes);
  }
  if (out.empty()) out.assign(most, largest);
  std::sort(out.begin(), out.end(), std::greater<>());
  out.resize(std::min(out.size(), most));
  return out;
}

Status place_together(std::vector<const Need*> needs, const std::vector<std::int64_t>& sizes) {
  std::vector<Tenant> tenants;
  for (const Need* need : needs) tenants.push_back(need->tenant);
  std::stable_sort(needs.begin(), needs.end(), [](const Need* a, const Need* b) {
    return a->tenant.total() > b->tenant.total();
  });
  Places places(sizes, utilization_of(tenants));
  for (const Need* need : needs) {
    if (!places.take(*need)) return no_place(*need, tenants, sizes, places.most_free());
  }
  return {};
}

}  // namespace nacelle::control::llmd
