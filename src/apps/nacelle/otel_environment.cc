#include "apps/nacelle/otel_environment.h"

#include <cstdlib>

namespace nacelle::apps {
namespace {

// "key=value,key=value" with percent-encoded values.
Status parse_pairs(const char* name, std::string_view text,
                   std::map<std::string, std::string>& out) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, comma);
    const std::size_t equal = pair.find('=');
    if (equal == std::string_view::npos || equal == 0) {
      return invalid_argument("{}: an entry is no key=value", name);
    }
    std::string value;
    for (std::size_t i = equal + 1; i < pair.size(); ++i) {
      if (pair[i] == '%' && i + 2 < pair.size()) {
        value +=
            static_cast<char>(std::strtol(std::string(pair.substr(i + 1, 2)).c_str(), nullptr, 16));
        i += 2;
      } else {
        value += pair[i];
      }
    }
    out[std::string(pair.substr(0, equal))] = value;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

// The variable of traces, or else the one of all signals.
std::optional<std::string> otlp(const Environment& environment, const std::string& name) {
  auto value = environment(("OTEL_EXPORTER_OTLP_TRACES_" + name).c_str());
  return value ? value : environment(("OTEL_EXPORTER_OTLP_" + name).c_str());
}

// Tracers send protobuf or JSON over HTTP alike to any collector; JSON is ours.
Status apply_protocol(const Environment& environment, tracing::TracingConfig& tracing) {
  const auto name = otlp(environment, "PROTOCOL");
  if (!name) return {};
  if (*name == "grpc") {
    tracing.protocol = tracing::Protocol::kGrpc;
  } else if (*name == "http/protobuf" || *name == "http/json") {
    tracing.protocol = tracing::Protocol::kHttpJson;
  } else {
    return invalid_argument(
        "OTEL_EXPORTER_OTLP_PROTOCOL: '{}' is none of grpc, http/protobuf, http/json", *name);
  }
  return {};
}

// Files; the exporter reads them.
void apply_certificates(const Environment& environment, tracing::TracingConfig& tracing) {
  for (const auto& [name, out] : {std::pair{"CERTIFICATE", &tracing.authorities},
                                  std::pair{"CLIENT_CERTIFICATE", &tracing.certificate},
                                  std::pair{"CLIENT_KEY", &tracing.key}}) {
    if (const auto file = otlp(environment, name)) out->file = *file;
  }
}

Status apply_sampler(const Environment& environment, tracing::TracingConfig& tracing) {
  const std::string sampler = environment("OTEL_TRACES_SAMPLER").value_or("parentbased_always_on");
  if (sampler == "always_off" || sampler == "parentbased_always_off") {
    tracing.sample_ratio = 0;
  } else if (sampler == "traceidratio" || sampler == "parentbased_traceidratio") {
    const std::string text = environment("OTEL_TRACES_SAMPLER_ARG").value_or("1");
    char* end = nullptr;
    tracing.sample_ratio = std::strtod(text.c_str(), &end);
    if (*end != '\0' || !(tracing.sample_ratio >= 0 && tracing.sample_ratio <= 1))
      return invalid_argument("OTEL_TRACES_SAMPLER_ARG: '{}' is no ratio from 0 to 1", text);
  } else if (sampler != "always_on" && sampler != "parentbased_always_on") {
    return invalid_argument("OTEL_TRACES_SAMPLER: '{}' is not known", sampler);
  }
  return {};
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Status apply_otel_environment(const Environment& environment, tracing::TracingConfig& tracing) {
  if (environment("OTEL_SDK_DISABLED") == "true" || environment("OTEL_TRACES_EXPORTER") == "none") {
    tracing.endpoint.clear();
    return {};
  }
  RETURN_IF_ERROR(apply_protocol(environment, tracing));
  if (tracing.endpoint.empty()) {
    if (const auto traces = environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")) {
      tracing.endpoint = *traces;
    } else if (auto base = environment("OTEL_EXPORTER_OTLP_ENDPOINT")) {
      while (base->ends_with("/")) base->pop_back();
      const bool grpc = tracing::protocol_of(tracing, *base) == tracing::Protocol::kGrpc;
      tracing.endpoint = grpc ? *base : *base + "/v1/traces";
    }
  }
  apply_certificates(environment, tracing);
  for (const auto& [name, out] : {std::pair{"OTEL_EXPORTER_OTLP_HEADERS", &tracing.headers},
                                  std::pair{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", &tracing.headers},
                                  std::pair{"OTEL_RESOURCE_ATTRIBUTES", &tracing.resource}}) {
    if (const auto text = environment(name)) RETURN_IF_ERROR(parse_pairs(name, *text, *out));
  }
  if (const auto own = tracing.resource.find("service.name"); own != tracing.resource.end()) {
    tracing.service_name = own->second;
  }
  if (const auto name = environment("OTEL_SERVICE_NAME")) tracing.service_name = *name;
  return apply_sampler(environment, tracing);
}

}  // namespace nacelle::apps
