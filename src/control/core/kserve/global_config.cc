#include "control/core/kserve/global_config.h"

namespace nacelle::control::kserve {
namespace {

Json section(const Json& config_map, std::string_view key) {
  const std::string_view text = kube::text_at(config_map, {"data", key});
  Json out = Json::parse(text, nullptr, false);
  return out.is_object() ? out : Json::object();
}

void take(const Json& from, std::string_view name, std::string& into) {
  if (const std::string_view text = kube::text_at(from, {name}); !text.empty()) into = text;
}

}  // namespace

GlobalConfig parse_global_config(const Json& config_map) {
  GlobalConfig out;
  const Json ingress = section(config_map, "ingress");
  take(ingress, "urlScheme", out.url_scheme);
  take(ingress, "modelBasedRoutingHeaderName", out.model_header);
  take(ingress, "modelBasedRoutingMode", out.model_routing_mode);
  out.tls = kube::bool_at(ingress, {"enableLLMInferenceServiceTLS"});
  std::string gateway;
  take(ingress, "kserveIngressGateway", gateway);
  if (const std::size_t slash = gateway.find('/'); slash != gateway.npos) {
    out.gateway_namespace = gateway.substr(0, slash);
    out.gateway_name = gateway.substr(slash + 1);
  }
  take(section(config_map, "storageInitializer"), "image", out.storage_initializer_image);
  const Json scaling = section(config_map, "autoscaling-wva-controller-config");
  take(kube::map_at(scaling, {"prometheus"}), "url", out.prometheus_url);
  return out;
}

}  // namespace nacelle::control::kserve
