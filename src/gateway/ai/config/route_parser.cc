// AIGatewayRoute, GatewayConfig and the pieces that routes share with backends.
#include <unordered_set>

#include "gateway/ai/config/object_parsers.h"

namespace nacelle::gateway::ai {

namespace {

using Field = YamlReader::Field;

Field name_value_list(YamlReader& reader, const char* name_key,
                      std::vector<std::pair<std::string, std::string>>& out) {
  return [&reader, name_key, &out](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 16, [&](const YAML::Node& item, const std::string& at) {
      std::pair<std::string, std::string> entry;
      reader.map(item, at,
                 {{name_key, reader.text(entry.first)}, {"value", reader.text(entry.second)}},
                 {name_key, "value"});
      out.push_back(std::move(entry));
    });
  };
}

Field matches_field(YamlReader& reader, std::vector<std::vector<RouteHeaderMatch>>& out) {
  const auto header = [&reader](std::vector<RouteHeaderMatch>& headers) {
    return [&reader, &headers](const YAML::Node& item, const std::string& at) {
      RouteHeaderMatch match;
      reader.map(item, at,
                 {{"name", reader.text(match.name)},
                  {"value", reader.text(match.value)},
                  {"type", reader.one_of<bool>({{"Exact", false}, {"RegularExpression", true}},
                                               match.regex)}},
                 {"name", "value"});
      match.name = to_lower(match.name);
      headers.push_back(std::move(match));
    };
  };
  return [&reader, &out, header](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 128, [&](const YAML::Node& item, const std::string& at) {
      std::vector<RouteHeaderMatch> headers;
      reader.map(item, at, {{"headers", [&](const YAML::Node& list, const std::string& where) {
                               reader.list(list, where, 16, header(headers));
                             }}});
      out.push_back(std::move(headers));
    });
  };
}

Field parents_field(YamlReader& reader, const Object& object, std::vector<ParentRef>& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 16, [&](const YAML::Node& item, const std::string& at) {
      ParentRef ref{.space = object.space};
      reader.map(item, at,
                 {{"name", reader.text(ref.name)},
                  {"namespace", reader.text(ref.space)},
                  {"sectionName", reader.text(ref.section)},
                  {"port", reader.number(
                               1, 65535,
                               [&](std::uint64_t v) { ref.port = static_cast<std::uint16_t>(v); })},
                  {"kind", Field(YamlReader::ignored())},
                  {"group", Field(YamlReader::ignored())}},
                 {"name"});
      out.push_back(std::move(ref));
    });
  };
}

Field backends_field(YamlReader& reader, const Object& object, std::vector<RouteBackend>& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 128, [&](const YAML::Node& item, const std::string& at) {
      RouteBackend ref;
      std::string name, space, kind = "AIServiceBackend";
      const auto small = [](std::uint32_t& value) {
        return [&value](std::uint64_t v) { value = static_cast<std::uint32_t>(v); };
      };
      reader.map(item, at,
                 {{"name", reader.text(name)},
                  {"namespace", reader.text(space)},
                  {"group", Field(YamlReader::ignored())},
                  {"kind", reader.text(kind)},
                  {"modelNameOverride", reader.text(ref.model_override)},
                  {"weight", reader.number(0, 1'000'000, small(ref.weight))},
                  {"priority", reader.number(0, 127, small(ref.priority))},
                  {"headerMutation", header_mutation_field(reader, ref.headers)},
                  {"bodyMutation", body_mutation_field(reader, ref.body)}},
                 {"name"});
      if (kind != "AIServiceBackend" && kind != "InferencePool") {
        reader.problem(at + ".kind", "expected AIServiceBackend or InferencePool");
      }
      ref.inference_pool = kind == "InferencePool";
      ref.backend = object.refer(name, space);
      out.push_back(std::move(ref));
    });
    std::size_t pools = 0;
    for (const RouteBackend& ref : out) pools += ref.inference_pool ? 1 : 0;
    if (pools > 0 && out.size() > 1) {
      reader.problem(path, "an InferencePool stands alone in its rule");
    }
  };
}

// The route's own entry beats the global one of the same key.
std::vector<RequestCost> merged(std::vector<RequestCost> global, std::vector<RequestCost> own) {
  std::unordered_set<std::string> keys;
  for (const RequestCost& cost : own) keys.insert(cost.metadata_key);
  for (RequestCost& cost : global) {
    if (!keys.contains(cost.metadata_key)) own.push_back(std::move(cost));
  }
  return own;
}

}  // namespace

Field header_mutation_field(YamlReader& reader, HeaderMutation& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"set", name_value_list(reader, "name", out.set)},
                {"remove", reader.texts(out.remove, 16)}});
  };
}

Field body_mutation_field(YamlReader& reader, provider::BodyMutation& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"set", name_value_list(reader, "path", out.set)},
                {"remove", reader.texts(out.remove, 16)}});
  };
}

Field costs_field(YamlReader& reader, std::vector<RequestCost>& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 36, [&](const YAML::Node& item, const std::string& at) {
      using Count = RequestCost::Count;
      RequestCost cost;
      std::string expression;
      const std::string type = item.IsMap() ? item["type"].as<std::string>("") : "";
      Field type_field = reader.one_of<Count>({{"InputToken", Count::kInput},
                                               {"CachedInputToken", Count::kCached},
                                               {"CacheCreationInputToken", Count::kCacheCreation},
                                               {"OutputToken", Count::kOutput},
                                               {"TotalToken", Count::kTotal},
                                               {"ReasoningToken", Count::kReasoning},
                                               {"CEL", Count::kTotal}},
                                              cost.count);
      reader.map(item, at,
                 {{"metadataKey", reader.text(cost.metadata_key)},
                  {"type", type_field},
                  {"cel", reader.text(expression)}},
                 {"metadataKey", "type"});
      if (type == "CEL") {
        auto compiled = CostExpression::compile(expression);
        if (!compiled) reader.problem(at + ".cel", compiled.status().message());
        if (compiled) cost.expression = std::move(*compiled);
        cost.kind = CostKind::kExpression;
      } else if (!expression.empty()) {
        reader.problem(at + ".cel", "belongs to type CEL");
      }
      out.push_back(std::move(cost));
    });
  };
}

void parse_gateway_config(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  reader.map(object.spec, "spec",
             {{"globalLLMRequestCosts", costs_field(reader, context.global_costs)},
              {"extProc", Field(YamlReader::ignored())},
              {"forwardProxy", Field(YamlReader::ignored())}});
  context.add(reader.status());
}

void parse_route(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  AiRoute out{.name = object.name};
  std::vector<RequestCost> own;
  const auto rule = [&](const YAML::Node& item, const std::string& at) {
    AiRouteRule next;
    const auto timeouts = [&](const YAML::Node& node, const std::string& path) {
      reader.map(node, path,
                 {{"request", reader.duration(next.request_timeout)},
                  {"backendRequest", reader.duration(next.backend_timeout)}});
    };
    reader.map(item, at,
               {{"name", reader.text(next.name)},
                {"matches", matches_field(reader, next.matches)},
                {"backendRefs", backends_field(reader, object, next.backends)},
                {"timeouts", timeouts},
                {"streamIdleTimeout", reader.duration(next.stream_idle_timeout)},
                {"modelsOwnedBy", reader.text(next.models_owned_by)},
                {"modelsCreatedAt", reader.time([&](std::chrono::sys_seconds created) {
                   next.models_created = created.time_since_epoch().count();
                 })}});
    if (next.name == "route-not-found") reader.problem(at + ".name", "is reserved");
    out.rules.push_back(std::move(next));
  };
  reader.map(object.spec, "spec",
             {{"parentRefs", parents_field(reader, object, out.parents)},
              {"hostnames", reader.texts(out.hostnames, 16)},
              {"rules", [&](const YAML::Node& node,
                            const std::string& path) { reader.list(node, path, 15, rule); }},
              {"llmRequestCosts", costs_field(reader, own)}},
             {"rules"});
  out.costs = merged(context.global_costs, std::move(own));
  context.add(reader.status());
  context.config.routes.push_back(std::move(out));
}

}  // namespace nacelle::gateway::ai
