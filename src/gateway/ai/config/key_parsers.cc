// ClientKeySet, ModelAliases, UsageStore and FallbackPolicy of gateway.nacelle.dev/v1alpha1.
#include <algorithm>

#include "base/file.h"
#include "gateway/ai/config/object_parsers.h"

namespace nacelle::gateway::ai {

namespace {

using Field = YamlReader::Field;

constexpr std::size_t kMaxKeys = 100'000;

struct KeyText {
  std::string sha256, file, env, secret_name, secret_key;
};

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// The hash of a key whose text stands elsewhere; the text does not outlive this call.
std::optional<Sha256> hash_of(const KeyText& from, const Object& object, ParseContext& context,
                              YamlReader& reader, const std::string& path) {
  if (!from.sha256.empty()) {
    const auto hash = parse_sha256(from.sha256);
    if (!hash) reader.problem(path + ".sha256", "expected 64 hex digits");
    return hash;
  }
  std::string text;
  if (!from.file.empty()) {
    auto content = read_file(from.file, 64 << 10);
    if (!content) {
      reader.problem(path + ".file", content.error().message());
      return std::nullopt;
    }
    text = std::move(*content);
  } else if (!from.env.empty()) {
    text = context.environment(from.env).value_or("");
  } else if (!from.secret_name.empty()) {
    const auto secret = context.secrets.find(object.refer(from.secret_name, ""));
    if (secret != context.secrets.end()) {
      const auto value = secret->second.find(from.secret_key);
      if (value != secret->second.end()) text = value->second;
    }
  }
  text = trimmed(text);
  if (text.size() < 8) {
    reader.problem(path, "needs sha256, or a file, env or secretRef with a key of 8 bytes or more");
    return std::nullopt;
  }
  return sha256(text);
}

void parse_key(YamlReader& reader, const Object& object, ParseContext& context,
               const YAML::Node& item, const std::string& at) {
  ClientKey key;
  KeyText text;
  // Limits are named after the key, so its id is read first.
  if (item.IsMap()) key.id = item["id"].as<std::string>("");
  const auto metadata = [&](const YAML::Node& node, const std::string& path) {
    if (!node.IsMap() || node.size() > 64) return reader.problem(path, "expected a small map");
    for (const auto& entry : node) {
      key.metadata[entry.first.as<std::string>("")] = entry.second.as<std::string>("");
    }
  };
  const auto secret_ref = [&](const YAML::Node& node, const std::string& path) {
    text.secret_key = "apiKey";
    reader.map(node, path,
               {{"name", reader.text(text.secret_name)}, {"key", reader.text(text.secret_key)}},
               {"name"});
  };
  reader.map(item, at,
             {{"id", reader.text(key.id)},
              {"name", reader.text(key.name)},
              {"sha256", reader.text(text.sha256)},
              {"file", reader.text(text.file)},
              {"env", reader.text(text.env)},
              {"secretRef", secret_ref},
              {"models", reader.texts(key.models, 256)},
              {"rateLimits", rate_limits_field(reader, "key/" + key.id, key.rate_limits)},
              {"expires", reader.time([&](std::chrono::sys_seconds at) { key.expires = at; })},
              {"disabled", reader.boolean(key.disabled)},
              {"metadata", metadata}},
             {"id"});
  const auto hash = hash_of(text, object, context, reader, at);
  if (!hash) return;
  key.hash = *hash;
  context.config.keys.push_back(std::move(key));
}

}  // namespace

void parse_client_keys(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  context.config.keys_required = true;
  const auto key = [&](const YAML::Node& item, const std::string& at) {
    parse_key(reader, object, context, item, at);
  };
  reader.map(object.spec, "spec",
             {{"keys", [&](const YAML::Node& node,
                           const std::string& path) { reader.list(node, path, kMaxKeys, key); }}},
             {"keys"});
  context.add(reader.status());
}

void parse_aliases(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  std::map<std::string, std::string> aliases = context.config.aliases.all();
  const auto read = [&](const YAML::Node& node, const std::string& path) {
    if (!node.IsMap()) return reader.problem(path, "expected a map of alias: model");
    for (const auto& entry : node) {
      const std::string name = entry.first.as<std::string>("");
      const std::string target = entry.second.as<std::string>("");
      if (name.empty() || target.empty()) {
        reader.problem(path, "expected a map of alias: model");
      } else if (!aliases.emplace(name, target).second) {
        reader.problem(path + "." + name, "is taken");
      }
    }
  };
  reader.map(object.spec, "spec", {{"aliases", read}}, {"aliases"});
  context.add(reader.status());
  context.config.aliases = ModelAliases(std::move(aliases));
}

void parse_usage_store(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  UsageConfig out;
  reader.map(object.spec, "spec",
             {{"path", reader.text(out.path)},
              {"retentionDays", reader.number(0, 36'500,
                                              [&](std::uint64_t v) {
                                                out.retention_days = static_cast<std::uint32_t>(v);
                                              })},
              {"flushInterval", reader.duration(out.flush_interval)}},
             {"path"});
  if (context.config.usage) reader.problem("spec", "there is another UsageStore");
  if (out.flush_interval < 10ms) reader.problem("spec.flushInterval", "is shorter than 10ms");
  context.add(reader.status());
  context.config.usage = std::move(out);
}

void parse_fallback_policy(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  FallbackPolicy& out = context.config.fallback;
  const auto small = [](std::uint32_t& value) {
    return [&value](std::uint64_t v) { value = static_cast<std::uint32_t>(v); };
  };
  const auto triggers = [&](const YAML::Node& node, const std::string& path) {
    out.on_connect = out.on_reset = out.on_timeout = out.on_context_length = false;
    reader.list(node, path, 16, [&](const YAML::Node& item, const std::string& at) {
      const std::string name = item.as<std::string>("");
      if (name == "connect-failure") {
        out.on_connect = true;
      } else if (name == "reset") {
        out.on_reset = true;
      } else if (name == "timeout") {
        out.on_timeout = true;
      } else if (name == "context-length") {
        out.on_context_length = true;
      } else if (name != "retriable-status-codes") {
        reader.problem(at,
                       "expected connect-failure, reset, timeout, context-length or "
                       "retriable-status-codes");
      }
    });
  };
  const auto codes = [&](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 64, [&](const YAML::Node& item, const std::string& at) {
      reader.number(400, 599, [&](std::uint64_t v) {
        out.statuses.push_back(static_cast<std::uint16_t>(v));
      })(item, at);
    });
  };
  const auto retry_on = [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path, {{"triggers", triggers}, {"httpStatusCodes", codes}});
  };
  const auto backoff = [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"baseInterval", reader.duration(out.base_backoff)},
                {"maxInterval", reader.duration(out.max_backoff)}});
  };
  reader.map(object.spec, "spec",
             {{"numRetries", reader.number(0, 20, small(out.max_retries))},
              {"numAttemptsPerPriority", reader.number(1, 20, small(out.attempts_per_priority))},
              {"retryOn", retry_on},
              {"backOff", backoff},
              {"maxRetryAfter", reader.duration(out.max_retry_after)}});
  context.add(reader.status());
}

}  // namespace nacelle::gateway::ai
