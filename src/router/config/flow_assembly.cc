#include "router/config/flow_assembly.h"

#include "router/config/flow_plugins.h"

namespace nacelle::router {
namespace {

template <class T>
T* policy(BuildContext& context, const PluginRef& ref, std::string_view what, Problems& problems) {
  if (ref.name.empty()) return nullptr;
  Plugin* plugin = context.named_or_type(ref.name, ref.path);
  if (plugin == nullptr) return nullptr;
  T* out = dynamic_cast<T*>(plugin);
  if (out == nullptr) {
    problems.add(ref.path, fmt::format("'{}' of type {} is no {}", ref.name, plugin->type(), what));
  }
  return out;
}

void apply(const BandSpec& spec, BuildContext& context, flow::BandConfig& band,
           Problems& problems) {
  if (spec.max_bytes) band.max_bytes = *spec.max_bytes;
  if (spec.max_requests) band.max_requests = *spec.max_requests;
  if (const auto* found =
          policy<FairnessPolicy>(context, spec.fairness, "fairness policy", problems)) {
    band.fairness = found->kind();
    band.program_aware = found->program_aware();
  }
  if (const auto* found =
          policy<OrderingPolicy>(context, spec.ordering, "ordering policy", problems)) {
    band.ordering = found->kind();
  }
}

}  // namespace

flow::FlowControlConfig build_flow_control(const EndpointPickerConfig& config,
                                           BuildContext& context, Problems& problems) {
  const FlowControlSpec& spec = config.flow_control;
  flow::FlowControlConfig out;
  out.enabled = config.gate_flow_control;
  out.max_bytes = spec.max_bytes.value_or(0);
  out.max_requests = spec.max_requests.value_or(0);
  out.default_request_ttl = spec.default_request_ttl.value_or(out.default_request_ttl);
  out.no_endpoint_request_ttl = spec.no_endpoint_request_ttl;
  if (spec.default_band) apply(*spec.default_band, context, out.default_band, problems);
  out.default_negative_band = out.default_band;
  if (spec.default_negative_band) {
    apply(*spec.default_negative_band, context, out.default_negative_band, problems);
  }
  for (const BandSpec& band : spec.bands) {
    // What a band leaves out has the value of router.md's table, not that of the default band.
    apply(band, context, out.bands[band.priority], problems);
  }
  if (const auto* found =
          policy<UsageLimitPolicy>(context, spec.usage_limit, "usage limit policy", problems)) {
    out.usage_limit = found->settings();
  }
  if (const auto* found = policy<DetectorPlugin>(context, config.saturation_detector,
                                                 "saturation detector", problems)) {
    out.detector = found->settings();
  }
  out.enable_eviction = spec.enable_eviction;
  return out;
}

}  // namespace nacelle::router
