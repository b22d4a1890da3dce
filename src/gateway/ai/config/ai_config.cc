#include "gateway/ai/config/ai_config.h"

#include <array>

#include "gateway/ai/config/object_parsers.h"
#include "yaml/documents.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxObjects = 10'000;

using ObjectParser = void (*)(const Object&, ParseContext&);
struct Kind {
  std::string_view name;
  ObjectParser parse;
};
// In order of dependency: what is referred to comes first.
constexpr std::array<Kind, 12> kKinds{{
    {"Secret", parse_secret},
    {"Backend", parse_envoy_backend},
    {"GatewayConfig", parse_gateway_config},
    {"AIServiceBackend", parse_service_backend},
    {"BackendSecurityPolicy", parse_security_policy},
    {"AIGatewayRoute", parse_route},
    {"QuotaPolicy", parse_quota_policy},
    {"RateLimitPolicy", parse_rate_limit_policy},
    {"ClientKeySet", parse_client_keys},
    {"ModelAliases", parse_aliases},
    {"UsageStore", parse_usage_store},
    {"FallbackPolicy", parse_fallback_policy},
}};

std::string scalar(const YAML::Node& node) { return node && node.IsScalar() ? node.Scalar() : ""; }

Object object_of(const std::string& source, const YAML::Node& root) {
  Object out{.kind = scalar(root["kind"]), .source = source, .root = root};
  const YAML::Node metadata = root["metadata"];
  std::string name;
  if (metadata && metadata.IsMap()) {
    name = scalar(metadata["name"]);
    out.space = scalar(metadata["namespace"]);
  }
  if (out.space.empty()) out.space = "default";
  out.name = out.space + "/" + name;
  out.spec = root["spec"] ? root["spec"] : YAML::Node(YAML::NodeType::Map);
  return out;
}

// The objects of one file; a List is taken apart.
Status collect(const std::string& source, std::string_view text, std::vector<Object>& objects) {
  if (text.size() > kMaxBytes) {
    return invalid_argument("the file {} has {} bytes, the limit is {}", source, text.size(),
                            kMaxBytes);
  }
  ASSIGN_OR_RETURN(const std::vector<yaml::Document> documents,
                   yaml::load_documents(text, kMaxObjects));
  for (const yaml::Document& document : documents) {
    const YAML::Node& root = document.root;
    if (!root.IsMap()) continue;
    const YAML::Node items = root["items"];
    if (scalar(root["kind"]) != "List" || !items || !items.IsSequence()) {
      objects.push_back(object_of(source, root));
      continue;
    }
    for (const auto& item : items) {
      if (item.IsMap()) objects.push_back(object_of(source, item));
    }
  }
  return {};
}

// References that only show when everything is there.
void check_references(ParseContext& context) {
  const AiConfig& config = context.config;
  for (const AiRoute& route : config.routes) {
    for (const AiRouteRule& rule : route.rules) {
      for (const RouteBackend& ref : rule.backends) {
        if (ref.inference_pool || config.backend(ref.backend) != nullptr) continue;
        context.add(
            invalid_argument("AIGatewayRoute {}: no AIServiceBackend {}", route.name, ref.backend));
      }
    }
  }
  std::map<ObjectName, ObjectName> owners;
  for (const SecurityPolicy& policy : config.security) {
    for (const ObjectName& target : policy.targets) {
      const auto [owner, fresh] = owners.emplace(target, policy.name);
      if (fresh) continue;
      context.add(invalid_argument("BackendSecurityPolicy {}: {} already has policy {}",
                                   policy.name, target, owner->second));
    }
  }
  if (const auto cycle = config.aliases.first_cycle()) {
    context.add(invalid_argument("ModelAliases: '{}' never reaches a model", *cycle));
  }
}

}  // namespace

void ParseContext::add(const Status& status) {
  if (status.ok()) return;
  if (!problems.empty()) problems += '\n';
  problems += status.message();
}

const ServiceBackend* AiConfig::backend(std::string_view name) const {
  for (const ServiceBackend& candidate : backends) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

const SecurityPolicy* AiConfig::policy_for(std::string_view backend) const {
  for (const SecurityPolicy& policy : security) {
    for (const ObjectName& target : policy.targets) {
      if (target == backend) return &policy;
    }
  }
  return nullptr;
}

ModelCatalogue AiConfig::catalogue() const {
  std::vector<ModelEntry> entries;
  for (const AiRoute& route : routes) {
    for (const AiRouteRule& rule : route.rules) {
      for (const auto& match : rule.matches) {
        for (const RouteHeaderMatch& header : match) {
          if (header.name != "x-ai-eg-model" || header.regex) continue;
          entries.push_back(
              {header.value, rule.models_owned_by, rule.models_created, route.hostnames});
        }
      }
    }
  }
  return ModelCatalogue(entries, aliases);
}

Result<std::uint64_t> RequestCost::evaluate(const CostInputs& inputs) const {
  if (kind == CostKind::kExpression) return expression->evaluate(inputs);
  switch (count) {
    case Count::kInput:
      return inputs.usage.input;
    case Count::kCached:
      return inputs.usage.cached_input;
    case Count::kCacheCreation:
      return inputs.usage.cache_creation;
    case Count::kOutput:
      return inputs.usage.output;
    case Count::kReasoning:
      return inputs.usage.reasoning;
    case Count::kTotal:
      break;
  }
  return inputs.usage.total();
}

Result<AiConfig> parse_ai_config(std::string_view text, const Environment& environment) {
  const std::pair<std::string, std::string> file("", text);
  return parse_ai_config(std::span(&file, 1), environment);
}

Result<AiConfig> parse_ai_config(std::span<const std::pair<std::string, std::string>> files,
                                 const Environment& environment) {
  AiConfig config;
  ParseContext context{.config = config, .environment = environment};
  try {
    std::vector<Object> objects;
    for (const auto& [name, text] : files) RETURN_IF_ERROR(collect(name, text, objects));
    for (const Kind& kind : kKinds) {
      for (const Object& object : objects) {
        if (object.kind == kind.name) kind.parse(object, context);
      }
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument("not YAML: {}", error.what());
  }
  check_references(context);
  if (!context.problems.empty()) return Status(Code::kInvalidArgument, context.problems);
  return config;
}

}  // namespace nacelle::gateway::ai
