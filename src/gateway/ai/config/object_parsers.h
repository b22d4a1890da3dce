// object_parsers.h: one parser per kind of object; ai_config.cc calls them in order of dependency.
#pragma once

#include <map>
#include <string>

#include "gateway/ai/config/ai_config.h"
#include "gateway/ai/config/yaml_reader.h"

namespace nacelle::gateway::ai {

struct ParseContext {
  AiConfig& config;
  const Environment& environment;
  std::map<ObjectName, std::map<std::string, std::string>> secrets;  // decoded
  std::map<ObjectName, std::vector<std::string>> endpoints;          // of Backend objects
  std::vector<RequestCost> global_costs;
  std::string problems;

  void add(const Status& status);
};

struct Object {
  std::string kind;
  ObjectName name;
  std::string space;   // namespace
  std::string source;  // the file; "" = there is one
  YAML::Node root;
  YAML::Node spec;

  [[nodiscard]] std::string title() const {
    return (source.empty() ? "" : source + ": ") + kind + " " + name;
  }
  // A reference from this object; without a namespace it is to its own.
  [[nodiscard]] ObjectName refer(const std::string& name, const std::string& to_space) const {
    return (to_space.empty() ? space : to_space) + "/" + name;
  }
};

void parse_secret(const Object& object, ParseContext& context);
void parse_envoy_backend(const Object& object, ParseContext& context);
void parse_gateway_config(const Object& object, ParseContext& context);
void parse_service_backend(const Object& object, ParseContext& context);
void parse_security_policy(const Object& object, ParseContext& context);
void parse_route(const Object& object, ParseContext& context);
void parse_quota_policy(const Object& object, ParseContext& context);
void parse_rate_limit_policy(const Object& object, ParseContext& context);
void parse_client_keys(const Object& object, ParseContext& context);
void parse_aliases(const Object& object, ParseContext& context);
void parse_usage_store(const Object& object, ParseContext& context);
void parse_fallback_policy(const Object& object, ParseContext& context);

// Pieces that several kinds share.
[[nodiscard]] YamlReader::Field header_mutation_field(YamlReader& reader, HeaderMutation& out);
[[nodiscard]] YamlReader::Field body_mutation_field(YamlReader& reader,
                                                    provider::BodyMutation& out);
[[nodiscard]] YamlReader::Field costs_field(YamlReader& reader, std::vector<RequestCost>& out);
[[nodiscard]] YamlReader::Field rate_limits_field(YamlReader& reader, std::string prefix,
                                                  std::vector<RateLimit>& out);
[[nodiscard]] YamlReader::Field header_selectors_field(YamlReader& reader,
                                                       std::vector<HeaderSelector>& out);

}  // namespace nacelle::gateway::ai
