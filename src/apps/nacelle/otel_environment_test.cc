#include "apps/nacelle/otel_environment.h"

#include <gtest/gtest.h>

#include <map>

namespace nacelle::apps {
namespace {

Status apply(std::map<std::string, std::string> variables, tracing::TracingConfig& tracing) {
  return apply_otel_environment(
      [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      },
      tracing);
}

TEST(OtelEnvironment, TheBaseEndpointGetsThePathOfTraces) {
  tracing::TracingConfig tracing;
  ASSERT_TRUE(apply({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"},
                     {"OTEL_EXPORTER_OTLP_HEADERS", "a=b,c=d%20e"},
                     {"OTEL_SERVICE_NAME", "edge"},
                     {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                     {"OTEL_TRACES_SAMPLER_ARG", "0.25"}},
                    tracing)
                  .ok());
  EXPECT_EQ(tracing.endpoint, "http://c:4318/v1/traces");
  EXPECT_EQ(tracing.headers.at("c"), "d e");
  EXPECT_EQ(tracing.service_name, "edge");
  EXPECT_EQ(tracing.sample_ratio, 0.25);
}

TEST(OtelEnvironment, TheFileWinsAndTheSwitchTurnsOff) {
  tracing::TracingConfig tracing;
  tracing.endpoint = "http://file:1/x";
  ASSERT_TRUE(apply({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:1/y"}}, tracing).ok());
  EXPECT_EQ(tracing.endpoint, "http://file:1/x");
  ASSERT_TRUE(apply({{"OTEL_SDK_DISABLED", "true"}}, tracing).ok());
  EXPECT_EQ(tracing.endpoint, "");
}

TEST(OtelEnvironment, ThePresetOfKServe) {
  tracing::TracingConfig tracing;
  ASSERT_TRUE(apply({{"OTEL_SERVICE_NAME", "inference-scheduler"},
                     {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel-collector:4317"},
                     {"OTEL_TRACES_EXPORTER", "otlp"},
                     {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                     {"OTEL_TRACES_SAMPLER_ARG", "0.05"},
                     {"OTEL_RESOURCE_ATTRIBUTES", "k8s.node.name=n,k8s.pod.name=p"}},
                    tracing)
                  .ok());
  EXPECT_EQ(tracing.endpoint, "http://otel-collector:4317");  // gRPC has no path
  EXPECT_EQ(tracing::protocol_of(tracing, tracing.endpoint), tracing::Protocol::kGrpc);
  EXPECT_EQ(tracing.service_name, "inference-scheduler");
  EXPECT_EQ(tracing.resource.at("k8s.pod.name"), "p");
  EXPECT_EQ(tracing.sample_ratio, 0.05);
}

TEST(OtelEnvironment, AProtocolThatIsNamedWins) {
  tracing::TracingConfig tracing;
  ASSERT_TRUE(apply({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"},
                     {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}},
                    tracing)
                  .ok());
  EXPECT_EQ(tracing.endpoint, "http://c:4317/v1/traces");
  EXPECT_EQ(tracing.protocol, tracing::Protocol::kHttpJson);
  EXPECT_FALSE(apply({{"OTEL_EXPORTER_OTLP_PROTOCOL", "smoke signals"}}, tracing).ok());
}

TEST(OtelEnvironment, CertificatesOfTracesWinOverThoseOfAllSignals) {
  tracing::TracingConfig tracing;
  ASSERT_TRUE(apply({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318"},
                     {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/all/ca.pem"},
                     {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/traces/ca.pem"},
                     {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/all/client.pem"},
                     {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/all/client.key"}},
                    tracing)
                  .ok());
  EXPECT_EQ(tracing.endpoint, "https://c:4318/v1/traces");
  EXPECT_EQ(tracing.authorities.file, "/traces/ca.pem");
  EXPECT_EQ(tracing.certificate.file, "/all/client.pem");
  EXPECT_EQ(tracing.key.file, "/all/client.key");
}

TEST(OtelEnvironment, WrongValuesNameTheirVariable) {
  tracing::TracingConfig tracing;
  const Status status =
      apply({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "2"}}, tracing);
  EXPECT_NE(status.message().find("OTEL_TRACES_SAMPLER_ARG"), std::string::npos);
  EXPECT_FALSE(apply({{"OTEL_EXPORTER_OTLP_HEADERS", "nonsense"}}, tracing).ok());
}

}  // namespace
}  // namespace nacelle::apps
