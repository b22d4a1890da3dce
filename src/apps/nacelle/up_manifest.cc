#include "apps/nacelle/up_manifest.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

namespace nacelle::apps {
namespace {

constexpr const char* kService =
    R"(# What `nacelle up` serves. It was applied when this file was made; after that it is yours:
#   kubectl apply -f {path}
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata:
  name: {name}
  namespace: default
spec:
  model:
    uri: {uri}
    name: {model}
  replicas: {replicas}
  template:
    containers:
    - name: main
      args: [{args}]
  router:
    gateway: {{}}
    route: {{}}
    scheduler: {{}}
)";

constexpr const char* kRoute = R"(# Requests that name no service: http://{host}:{port}/v1/...
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}-default
  namespace: default
spec:
  parentRefs:
  - {{group: gateway.networking.k8s.io, kind: Gateway, name: kserve-ingress-gateway, namespace: kserve}}
  rules:
  - backendRefs:
    - {{group: inference.networking.k8s.io, kind: InferencePool, name: {name}-inference-pool}}
)";

constexpr const char* kPolicy = R"(# How its engines are picked.
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata:
  name: {name}-picker
  namespace: default
spec:
  targetRefs:
  - {{group: inference.networking.k8s.io, kind: InferencePool, name: {name}-inference-pool}}
  picker: {{policy: {policy}}}
)";

constexpr std::size_t kMaxName = 40;  // names of children add to it

// JSON is YAML: whatever is in the text stays one value.
std::string as_json(std::string_view text) { return nlohmann::json(text).dump(); }

}  // namespace

std::string object_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxName)) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  const auto begin = std::find_if(out.begin(), out.end(), [](char c) { return c >= 'a'; });
  out.erase(out.begin(), begin);
  while (out.ends_with('-')) out.pop_back();
  return out;
}

Result<UpManifest> make_up_manifest(const UpOptions& options, std::size_t threads,
                                    const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(options.model, error) / "";
  const std::string model = folder.parent_path().filename().string();
  UpManifest out;
  out.service = object_name(model);
  if (out.service.empty())
    return invalid_argument("the model folder '{}' has no letter to name a service by", model);

  std::vector<std::string> args = options.engine_args;
  if (!gives_flag(args, "--threads")) {
    args.insert(args.begin(), {"--threads", std::to_string(threads)});
  }
  if (!gives_flag(args, "--enable-prompt-tokens-details"))
    args.emplace_back("--enable-prompt-tokens-details");
  std::string list;
  for (const std::string& arg : args) list += (list.empty() ? "" : ", ") + as_json(arg);

  const auto add = [&](kube::Resource resource, const std::string& name, std::string yaml) {
    out.parts.push_back({{std::move(resource), "default", name}, std::move(yaml)});
  };
  add({"serving.kserve.io", "v1alpha2", "llminferenceservices"}, out.service,
      fmt::format(kService, fmt::arg("path", path.string()), fmt::arg("name", out.service),
                  fmt::arg("uri", as_json("file://" + folder.parent_path().string())),
                  fmt::arg("model", as_json(model)), fmt::arg("replicas", options.engines),
                  fmt::arg("args", list)));
  add({"gateway.networking.k8s.io", "v1", "httproutes"}, out.service + "-default",
      fmt::format(kRoute, fmt::arg("name", out.service), fmt::arg("host", options.host),
                  fmt::arg("port", options.port)));
  add({"gateway.nacelle.dev", "v1alpha1", "gatewaypolicies"}, out.service + "-picker",
      fmt::format(kPolicy, fmt::arg("name", out.service), fmt::arg("policy", options.policy)));
  return out;
}

std::string UpManifest::text() const {
  std::string out;
  for (const Part& part : parts) out += (out.empty() ? "" : "---\n") + part.yaml;
  return out;
}

}  // namespace nacelle::apps
