#include "gateway/gateway_config.h"

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>

namespace nacelle::gateway {
namespace {

// Collects problems with their paths, so that one look at the message mends the whole file.
class Reader {
 public:
  void problem(std::string_view path, std::string_view what) {
    problems_ += fmt::format("{}{}: {}", problems_.empty() ? "" : "\n", path, what);
  }

  using Field = std::function<void(const YAML::Node&, const std::string& path)>;
  void map(const YAML::Node& node, const std::string& path,
           const std::map<std::string, Field>& fields) {
    if (!node.IsMap()) return problem(path.empty() ? "file" : path, "expected a map");
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>("");
      const std::string at = path.empty() ? key : path + "." + key;
      if (const auto field = fields.find(key); field != fields.end()) {
        field->second(entry.second, at);
      } else {
        std::string known;
        for (const auto& [name, unused] : fields) known += (known.empty() ? "" : ", ") + name;
        problem(at, fmt::format("unknown field; there are {}", known));
      }
    }
  }

  Field address(net::HostPort& out) {
    return [this, &out](const YAML::Node& node, const std::string& path) {
      auto parsed = net::parse_host_port(node.as<std::string>(""));
      if (parsed)
        out = *parsed;
      else
        problem(path, parsed.error().message());
    };
  }

  // A whole number in [low, high], handed on as is.
  Field number(std::int64_t low, std::int64_t high, std::function<void(std::int64_t)> set) {
    return
        [this, low, high, set = std::move(set)](const YAML::Node& node, const std::string& path) {
          std::int64_t value = 0;
          if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, value)) {
            return problem(path, "expected a whole number");
          }
          if (value < low || value > high) {
            return problem(path, fmt::format("{} is outside {} to {}", value, low, high));
          }
          set(value);
        };
  }

  [[nodiscard]] Status status() const {
    return problems_.empty() ? Status() : Status(Code::kInvalidArgument, problems_);
  }

 private:
  std::string problems_;
};

}  // namespace

Result<GatewayConfig> parse_gateway_config(std::string_view yaml) {
  GatewayConfig config;
  Reader reader;
  GatewayLimits& limits = config.limits;
  const auto ms = [](Duration& out) {
    return [&out](std::int64_t value) { out = std::chrono::milliseconds(value); };
  };
  const auto seconds = [](Duration& out) {
    return [&out](std::int64_t value) { out = std::chrono::seconds(value); };
  };
  constexpr std::int64_t kDay = 24 * 3600;
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    reader.map(
        root, "",
        {{"listen", reader.address(config.listen)},
         {"admin", reader.address(config.admin)},
         {"policy", [&](const YAML::Node& node,
                        const std::string&) { config.policy = node.as<std::string>(""); }},
         {"endpointPickerConfig",
          [&](const YAML::Node& node, const std::string&) {
            config.endpoint_picker_config = node.as<std::string>("");
          }},
         {"endpoints",
          [&](const YAML::Node& node, const std::string& path) {
            if (!node.IsSequence()) return reader.problem(path, "expected a list of host:port");
            for (std::size_t i = 0; i < node.size(); ++i) {
              auto parsed = net::parse_host_port(node[i].as<std::string>(""));
              if (parsed)
                config.endpoints.push_back(parsed->to_string());
              else
                reader.problem(fmt::format("{}[{}]", path, i), parsed.error().message());
            }
          }},
         {"scrape_interval_ms", reader.number(10, 60'000, ms(config.scrape_interval))},
         {"limits", [&](const YAML::Node& node, const std::string& path) {
            reader.map(
                node, path,
                {{"body_bytes", reader.number(1, std::int64_t{1} << 40,
                                              [&](std::int64_t v) {
                                                limits.body_bytes = static_cast<std::size_t>(v);
                                              })},
                 {"connect_timeout_ms", reader.number(1, 600'000, ms(limits.connect_timeout))},
                 {"first_byte_timeout_s",
                  reader.number(0, kDay, seconds(limits.first_byte_timeout))},
                 {"stream_idle_timeout_s",
                  reader.number(0, kDay, seconds(limits.stream_idle_timeout))},
                 {"max_attempts", reader.number(1, 100, [&](std::int64_t v) {
                    limits.max_attempts = static_cast<std::uint32_t>(v);
                  })}});
          }}});
  } catch (const YAML::Exception& error) {
    return invalid_argument("not YAML: {}", error.what());
  }
  RETURN_IF_ERROR(reader.status());
  if (config.endpoints.empty())
    return invalid_argument("endpoints: at least one host:port is needed");
  return config;
}

GatewayModel model_of(const GatewayConfig& config) {
  GatewayModel model;
  model.settings.admin = config.admin;
  model.settings.limits = config.limits;
  ClusterConfig cluster;
  cluster.name = "pool/default/endpoints";
  cluster.kind = ClusterConfig::Kind::kPool;
  cluster.endpoints = config.endpoints;
  cluster.traffic.outlier.reset();
  cluster.traffic.breaker.max_connections = cluster.traffic.breaker.max_requests = UINT32_MAX;
  cluster.traffic.connect_timeout = config.limits.connect_timeout;
  cluster.picker.policy = config.policy;
  cluster.picker.scrape_interval = config.scrape_interval;
  model.clusters.push_back(std::move(cluster));

  RuleConfig rule;
  rule.route = "default/openai";
  rule.cluster_name = "httproute/default/openai/rule/0";
  rule.first_byte_timeout = config.limits.first_byte_timeout;
  rule.stream_idle_timeout = config.limits.stream_idle_timeout;
  BackendConfig backend;
  backend.cluster = 0;
  backend.name = "default/endpoints";
  rule.backends.push_back(std::move(backend));
  model.rules.push_back(std::move(rule));

  // What a model server offers to clients. Its operational paths (/metrics, /load) stay inside.
  std::vector<RouteEntry> entries;
  for (const char* path :
       {"/v1", "/inference", "/tokenize", "/detokenize", "/version", "/invocations"}) {
    RouteEntry entry;
    entry.match.path.value = path;
    entry.name = "default/openai";
    entry.position = static_cast<std::uint32_t>(entries.size());
    entries.push_back(std::move(entry));
  }
  model.ports.push_back({config.listen, false, {{"default/gateway/http", "", {}, "", false}}, {}});
  model.ports.back().routes.push_back(std::move(entries));
  settle_bodies(model);
  return model;
}

}  // namespace nacelle::gateway
