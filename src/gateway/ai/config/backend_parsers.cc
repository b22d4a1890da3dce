// Secret, Backend, AIServiceBackend and BackendSecurityPolicy.
#include <array>

#include "base/base64.h"
#include "gateway/ai/config/object_parsers.h"

namespace nacelle::gateway::ai {

namespace {

using Field = YamlReader::Field;

constexpr std::size_t kMaxTargets = 16;

// Where a policy's text comes from: a Secret's key, or a file or variable of this machine.
struct SecretRef {
  std::string name, space, file, env;
};

Field secret_ref_field(YamlReader& reader, SecretRef& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"secretRef",
                 [&](const YAML::Node& ref, const std::string& at) {
                   reader.map(ref, at,
                              {{"name", reader.text(out.name)},
                               {"namespace", reader.text(out.space)},
                               {"kind", Field(YamlReader::ignored())},
                               {"group", Field(YamlReader::ignored())}},
                              {"name"});
                 }},
                {"profile", Field(YamlReader::ignored())},
                {"file", reader.text(out.file)},
                {"env", reader.text(out.env)}});
  };
}

// The text, or "" when it comes from a file, whose path is left to the CredentialSource.
std::string resolve(const SecretRef& ref, const char* key, const Object& object,
                    ParseContext& context, YamlReader& reader, const std::string& path) {
  if (!ref.file.empty()) return {};
  if (!ref.env.empty()) {
    auto value = context.environment(ref.env);
    if (!value) reader.problem(path + ".env", fmt::format("{} is not set", ref.env));
    return value.value_or("");
  }
  if (ref.name.empty()) return {};
  const ObjectName name = object.refer(ref.name, ref.space);
  const auto secret = context.secrets.find(name);
  if (secret == context.secrets.end()) {
    reader.problem(path + ".secretRef", "no Secret " + name);
    return {};
  }
  const auto value = secret->second.find(key);
  if (value == secret->second.end()) {
    reader.problem(path + ".secretRef", fmt::format("Secret {} has no key {}", name, key));
    return {};
  }
  return value->second;
}

Field targets_field(YamlReader& reader, const Object& object, std::vector<ObjectName>& out) {
  return [&reader, &object, &out](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, kMaxTargets, [&](const YAML::Node& item, const std::string& at) {
      std::string name;
      reader.map(item, at,
                 {{"name", reader.text(name)},
                  {"kind", Field(YamlReader::ignored())},
                  {"group", Field(YamlReader::ignored())}},
                 {"name"});
      out.push_back(object.refer(name, ""));
    });
  };
}

Field override_field(YamlReader& reader, std::optional<HeaderOverride>& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"fromRequestHeaders", [&](const YAML::Node& from, const std::string& at) {
                   HeaderOverride value;
                   reader.map(
                       from, at,
                       {{"header", reader.text(value.header)},
                        {"fallbackToConfigured", reader.boolean(value.fallback_to_configured)}});
                   out = value;
                 }}});
  };
}

}  // namespace

void parse_secret(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  auto& entries = context.secrets[object.name];
  const auto read = [&](const char* field, bool encoded) {
    const YAML::Node data = object.root[field];
    if (!data) return;
    if (!data.IsMap()) return reader.problem(field, "expected a map");
    for (const auto& entry : data) {
      const std::string key = entry.first.Scalar();
      if (!entry.second.IsScalar()) {
        reader.problem(std::string(field) + "." + key, "expected a string");
        continue;
      }
      std::string value = entry.second.Scalar();
      if (encoded) {
        auto decoded = decode_base64(value, Base64Padding::kOptional);
        if (!decoded) reader.problem(std::string(field) + "." + key, "is not base64");
        value = decoded.value_or("");
      }
      entries[key] = std::move(value);
    }
  };
  read("data", true);
  read("stringData", false);
  // What is wrong with it the gateway has said (config/decode.h).
}

void parse_envoy_backend(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  auto& endpoints = context.endpoints[object.name];
  const auto endpoint = [&](const YAML::Node& item, const std::string& path) {
    std::string host;
    std::uint64_t port = 0;
    const auto address = [&](const char* key) {
      return [&, key](const YAML::Node& node, const std::string& at) {
        reader.map(node, at,
                   {{key, reader.text(host)},
                    {"port", reader.number(1, 65535, [&](std::uint64_t v) { port = v; })}},
                   {key, "port"});
      };
    };
    reader.map(item, path,
               {{"fqdn", address("hostname")},
                {"ip", address("address")},
                {"hostname", Field(YamlReader::ignored())}});
    if (port == 0) return;
    const bool v6 = host.find(':') != std::string::npos;
    endpoints.push_back(v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port));
  };
  reader.map(
      object.spec, "spec",
      {{"endpoints", [&](const YAML::Node& node,
                         const std::string& path) { reader.list(node, path, 64, endpoint); }},
       {"type", Field(YamlReader::ignored())},
       {"tls", Field(YamlReader::ignored())},
       {"appProtocols", Field(YamlReader::ignored())}});
  // What is wrong with it the gateway has said (config/decode.h).
}

void parse_service_backend(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  ServiceBackend out{.name = object.name};
  std::vector<std::pair<std::string_view, provider::Schema>> names;
  for (const char* name : {"OpenAI", "AzureOpenAI", "Anthropic", "AWSBedrock", "AWSAnthropic",
                           "GCPVertexAI", "GCPAnthropic", "Cohere"}) {
    names.emplace_back(name, *provider::schema_of(name));
  }
  std::string ref_name;
  std::string ref_space;
  const auto schema = [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"name", reader.one_of(names, out.schema.schema)},
                {"version", reader.text(out.schema.version)},
                {"prefix", reader.text(out.schema.prefix)}},
               {"name"});
    if (out.schema.schema == provider::Schema::kAzureOpenAi && out.schema.version.empty()) {
      reader.problem(path + ".version", "AzureOpenAI needs its api-version");
    }
    while (out.schema.prefix.starts_with('/')) out.schema.prefix.erase(0, 1);
    while (out.schema.prefix.ends_with('/')) out.schema.prefix.pop_back();
  };
  const auto backend_ref = [&](const YAML::Node& node, const std::string& path) {
    reader.map(
        node, path,
        {{"name", reader.text(ref_name)},
         {"namespace", reader.text(ref_space)},
         {"kind",
          reader.one_of<std::string>(
              {{"Backend", "Backend"}, {"Service", "Service"}, {"InferencePool", "InferencePool"}},
              out.ref_kind)},
         {"group", Field(YamlReader::ignored())},
         {"port",
          reader.number(1, 65535,
                        [&](std::uint64_t v) { out.ref_port = static_cast<std::uint16_t>(v); })}},
        {"name"});
  };
  reader.map(object.spec, "spec",
             {{"schema", schema},
              {"backendRef", backend_ref},
              {"headerMutation", header_mutation_field(reader, out.headers)},
              {"bodyMutation", body_mutation_field(reader, out.body)}},
             {"schema", "backendRef"});
  out.backend_ref = object.refer(ref_name, ref_space);
  if (const auto found = context.endpoints.find(out.backend_ref);
      found != context.endpoints.end()) {
    out.endpoints = found->second;
  } else if (!ref_name.empty() && out.ref_kind == "Backend") {
    reader.problem("spec.backendRef", "no Backend " + out.backend_ref);
  }
  context.add(reader.status());
  context.config.backends.push_back(std::move(out));
}

void parse_security_policy(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  SecurityPolicy out{.name = object.name};
  SecretRef ref;
  BackendCredential& credential = out.credential;
  const auto aws = [&](const YAML::Node& node, const std::string& path) {
    if (const YAML::Node file = node["credentialsFile"]; file && file["profile"]) {
      out.aws_profile = file["profile"].as<std::string>("default");
    }
    reader.map(node, path,
               {{"region", reader.text(credential.aws_region)},
                {"credentialsFile", secret_ref_field(reader, ref)}},
               {"region", "credentialsFile"});
  };
  const auto gcp = [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"projectName", reader.text(credential.gcp_project)},
                {"region", reader.text(credential.gcp_region)},
                {"credentialsFile", secret_ref_field(reader, ref)}},
               {"projectName", "region", "credentialsFile"});
  };
  reader.map(object.spec, "spec",
             {{"targetRefs", targets_field(reader, object, out.targets)},
              {"type", reader.one_of<AuthType>({{"APIKey", AuthType::kApiKey},
                                                {"AzureAPIKey", AuthType::kAzureApiKey},
                                                {"AnthropicAPIKey", AuthType::kAnthropicApiKey},
                                                {"AWSCredentials", AuthType::kAwsCredentials},
                                                {"GCPCredentials", AuthType::kGcpToken}},
                                               credential.type)},
              {"apiKey", secret_ref_field(reader, ref)},
              {"azureAPIKey", secret_ref_field(reader, ref)},
              {"anthropicAPIKey", secret_ref_field(reader, ref)},
              {"awsCredentials", aws},
              {"gcpCredentials", gcp},
              {"credentialOverride", override_field(reader, out.override_from)}},
             {"targetRefs", "type"});
  constexpr std::array<std::pair<AuthType, const char*>, 5> kFields{{
      {AuthType::kApiKey, "apiKey"},
      {AuthType::kAzureApiKey, "azureAPIKey"},
      {AuthType::kAnthropicApiKey, "anthropicAPIKey"},
      {AuthType::kAwsCredentials, "awsCredentials"},
      {AuthType::kGcpToken, "gcpCredentials"},
  }};
  const bool without_static = out.override_from && !out.override_from->fallback_to_configured;
  for (const auto& [type, field] : kFields) {
    const bool there = static_cast<bool>(object.spec[field]);
    const std::string path = std::string("spec.") + field;
    if (type != credential.type && there) reader.problem(path, "does not belong to spec.type");
    if (type == credential.type && !there && !without_static) reader.problem(path, "is needed");
    if (type != credential.type || !there) continue;
    const bool aws_type = type == AuthType::kAwsCredentials;
    const bool gcp_type = type == AuthType::kGcpToken;
    const char* key = aws_type ? "credentials" : gcp_type ? "service_account.json" : "apiKey";
    std::string text = resolve(ref, key, object, context, reader, path);
    out.key_file = ref.file;
    if (text.empty()) continue;
    if (aws_type) {
      auto parsed = parse_aws_credentials(text, out.aws_profile);
      if (!parsed) reader.problem(path, parsed.error().message());
      if (parsed) credential.aws = std::move(*parsed);
    } else if (gcp_type) {
      out.gcp_service_account = Secret(std::move(text));
    } else {
      credential.key = Secret(std::move(text));
    }
  }
  context.add(reader.status());
  context.config.security.push_back(std::move(out));
}

}  // namespace nacelle::gateway::ai
