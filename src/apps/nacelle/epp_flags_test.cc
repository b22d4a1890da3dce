#include "apps/nacelle/epp_flags.h"

#include <gtest/gtest.h>

#include <map>

#include "apps/nacelle/epp_tls.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/kserve/render.h"

namespace nacelle::apps {
namespace {

using Variables = std::map<std::string, std::string>;

struct Read {
  std::optional<int> code;
  std::string told;
  Status completed;
  LogOptions log;
  EppFlags flags;
};

Read read(const Args& args, const Variables& variables = {}) {
  Read out;
  CLI::App app{"about", "nacelle epp"};
  add_epp_flags(app, out.flags);
  ::testing::internal::CaptureStderr();
  out.code = parse_command_line(app, go_arguments(args));
  out.told = ::testing::internal::GetCapturedStderr();
  if (out.code) return out;
  const auto environment = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  out.completed = complete_epp_flags(app, environment, out.flags);
  if (const auto log = epp_log_options(app, out.flags)) {
    out.log = *log;
  } else {
    out.completed = log.error();
  }
  return out;
}

// The arguments of KServe's preset for a service "chat" of namespace "ml".
Args preset_arguments(bool tls, bool rendered = true) {
  for (kube::Json preset : control::kserve::presets()) {
    if (preset["metadata"]["name"] != "kserve-config-llm-scheduler") continue;
    kube::Json& spec = preset["spec"];
    control::kserve::GlobalConfig global;
    global.tls = tls;
    const kube::Json service = {{"metadata", {{"name", "chat"}, {"namespace", "ml"}}}};
    if (rendered) {
      EXPECT_TRUE(control::kserve::render_spec(spec, service, global).ok());
    }
    return spec["router"]["scheduler"]["template"]["containers"][0]["args"].get<Args>();
  }
  ADD_FAILURE() << "no such preset";
  return {};
}

TEST(EppFlags, TakesTheArgumentsOfKServesPreset) {
  Read got = read(preset_arguments(false));
  ASSERT_EQ(got.code, std::nullopt) << got.told;
  ASSERT_TRUE(got.completed.ok()) << got.completed.message();
  EXPECT_EQ(got.flags.epp.pool_name, "chat-inference-pool");
  EXPECT_EQ(got.flags.epp.pool_namespace, "ml");
  EXPECT_EQ(got.flags.epp.grpc_port, 9002);
  EXPECT_EQ(got.flags.epp.health_port, 9003);
  EXPECT_EQ(got.log.format, "json");
  EXPECT_EQ(got.flags.epp.scrape.scheme, "");
  EXPECT_TRUE(got.flags.without_effect.empty());

  got = read(preset_arguments(true));
  ASSERT_EQ(got.code, std::nullopt) << got.told;
  EXPECT_TRUE(got.flags.epp.secure_serving);
  EXPECT_TRUE(got.flags.epp.reload_certificate);
  EXPECT_EQ(got.flags.epp.cert_path, "/var/run/kserve/tls");
  EXPECT_EQ(got.flags.epp.scrape.scheme, "https");
}

TEST(EppFlags, ATemplateThatCameToNothingIsNoArgument) {
  Args args = preset_arguments(false, /*rendered=*/false);
  for (std::string& arg : args) {
    if (arg.find("EnableTLS") != std::string::npos) arg.clear();
  }
  EXPECT_EQ(std::count(args.begin(), args.end(), ""), 4);
  const Read got = read(args);
  EXPECT_EQ(got.code, std::nullopt) << got.told;
}

TEST(EppFlags, TakesEveryFlagOfUpstream) {
  const Read got = read({"--grpc-port=1",
                         "--grpc-health-port=2",
                         "--metrics-port=3",
                         "--pool-name=p",
                         "--pool-namespace=n",
                         "--pool-group=inference.networking.k8s.io",
                         "--disable-endpoint-subset-filter=true",
                         "--emit-endpoint-scores",
                         "--config-text=x",
                         "--allow-experimental-plugins=true",
                         "--refresh-metrics-interval=10ms",
                         "--refresh-prometheus-metrics-interval=5s",
                         "--metrics-staleness-threshold=1m30s",
                         "--ha-enable-leader-election",
                         "--drain-timeout=45s",
                         "--grpc-max-recv-msg-size=64Mi",
                         "--grpc-max-send-msg-size=64Mi",
                         "--secure-serving=false",
                         "--cert-path=/c",
                         "--enable-cert-reload=true",
                         "--tls-min-version=VersionTLS13",
                         "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,"
                         "TLS_AES_256_GCM_SHA384",
                         "--health-checking",
                         "--metrics-endpoint-auth=false",
                         "--metrics-client-ca-file=/ca",
                         "--metrics-cert-dir=/m",
                         "--enable-pprof=true",
                         "--enable-grpc-stream-metrics",
                         "--tracing=false",
                         "-v=5",
                         "--zap-encoder",
                         "json",
                         "--zap-devel=false",
                         "--zap-log-level=2",
                         "--zap-stacktrace-level=error",
                         "--model-server-metrics-scheme=https",
                         "--model-server-metrics-path=/m",
                         "--model-server-metrics-port=9",
                         "--model-server-metrics-https-insecure-skip-verify=false",
                         "--total-queued-requests-metric=a",
                         "--total-running-requests-metric=b",
                         "--kv-cache-usage-percentage-metric=c{d=e}",
                         "--lora-info-metric=f",
                         "--cache-info-metric=g"});
  ASSERT_EQ(got.code, std::nullopt) << got.told;
  ASSERT_TRUE(got.completed.ok()) << got.completed.message();
  const EppOptions& epp = got.flags.epp;
  EXPECT_FALSE(epp.use_subset_filter);
  EXPECT_EQ(epp.scrape_interval, 50ms);  // not shorter
  EXPECT_EQ(epp.gauge_interval, 5s);
  EXPECT_EQ(epp.metrics_stale_after, 90s);
  EXPECT_EQ(got.flags.drain_timeout, 45s);
  EXPECT_EQ(epp.max_message_bytes, 64u << 20);
  EXPECT_EQ(epp.tls_min_version, net::TlsVersion::kTls13);
  EXPECT_EQ(epp.tls_ciphers, "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(epp.tls_suites, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(epp.metrics_cert_dir, "/m");
  EXPECT_EQ(epp.metrics_auth, false);
  EXPECT_EQ(epp.scrape.port, 9);
  EXPECT_EQ(epp.scrape.skip_verify, false);
  EXPECT_EQ(epp.scrape.kv_usage, "c{d=e}");
  EXPECT_EQ(got.log.level, "info");  // --zap-log-level wins over -v
  // A switch that is off asks for nothing, so it is not told.
  EXPECT_EQ(got.flags.without_effect,
            (std::vector<std::string>{"--enable-pprof", "--enable-grpc-stream-metrics",
                                      "--grpc-max-send-msg-size", "--zap-stacktrace-level"}));
}

TEST(EppFlags, TracesWhereTheEnvironmentNamesACollector) {
  const Variables collector = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel-collector:4317"},
                               {"OTEL_TRACES_SAMPLER_ARG", "0.05"}};
  EXPECT_EQ(read({"--tracing=true"}, collector).flags.epp.tracing.endpoint,
            "http://otel-collector:4317");
  EXPECT_EQ(read({}, collector).flags.epp.tracing.service_name, "nacelle-epp");
  EXPECT_EQ(read({"--tracing=false"}, collector).flags.epp.tracing.endpoint, "");
  EXPECT_EQ(read({}).flags.epp.tracing.endpoint, "");
  EXPECT_FALSE(read({}, {{"OTEL_TRACES_SAMPLER", "dice"}}).completed.ok());
}

TEST(EppFlags, AsksForTokensWhereThatIsSaid) {
  EXPECT_EQ(read({}).flags.epp.metrics_auth, std::nullopt);
  EXPECT_EQ(read({"--metrics-endpoint-auth"}).flags.epp.metrics_auth, true);
  EXPECT_EQ(read({"--metrics-endpoint-auth=true"}).flags.epp.metrics_auth, true);
}

TEST(EppFlags, SaysWhichVariablesItDoesNotUse) {
  const Read got =
      read({"--pool-name=p"}, {{"NAMESPACE", "ml"}, {"TRAINING_SERVER_URL", "http://t"}});
  EXPECT_EQ(got.flags.epp.pool_namespace, "ml");
  EXPECT_EQ(got.flags.without_effect, std::vector<std::string>{"$TRAINING_SERVER_URL"});
}

TEST(EppFlags, ReadsZapsLevels) {
  struct Row {
    const char* says;
    Args args;
    const char* level;
  };
  for (const Row& row : std::vector<Row>{{"nothing", {}, "info"},
                                         {"-v as one word", {"-v=4"}, "debug"},
                                         {"-v as two words", {"-v", "2"}, "info"},
                                         {"--v", {"--v=5"}, "debug"},
                                         {"a name", {"--zap-log-level", "error"}, "error"},
                                         {"a number", {"--zap-log-level=4"}, "debug"},
                                         {"development", {"--zap-devel"}, "debug"},
                                         {"ours wins", {"-v=5", "--log-level=warn"}, "warn"}}) {
    const Read got = read(row.args);
    EXPECT_EQ(got.code, std::nullopt) << row.says << got.told;
    EXPECT_EQ(got.log.level, row.level) << row.says;
  }
  EXPECT_EQ(read({"--zap-encoder=json", "--log-format=text"}).log.format, "text");
}

TEST(EppFlags, RefusesWhatItDoesNotKnow) {
  struct Row {
    const char* says;
    Args args;
    const char* told;
  };
  for (const Row& row : std::vector<Row>{
           {"a letter is missing", {"--zap-encodr", "json"}, "(did you mean '--zap-encoder'?)"},
           {"an encoder", {"--zap-encoder=xml"}, "xml not in {json,console}"},
           {"a duration",
            {"--refresh-metrics-interval=soon"},
            "--refresh-metrics-interval: 'soon' is no duration such as 30s or 50ms"},
           {"too long", {"--drain-timeout=25h"}, "25h is not in range 0 to 86400 seconds"},
           {"a path", {"--model-server-metrics-path=metrics"}, "does not begin with /"}}) {
    const Read got = read(row.args);
    EXPECT_EQ(got.code, 2) << row.says;
    EXPECT_NE(got.told.find(row.told), std::string::npos) << row.says << ": " << got.told;
  }
  for (const Row& row : std::vector<Row>{
           {"a version", {"--tls-min-version=1.2"}, "--tls-min-version: '1.2' is none of"},
           {"a weak suite",
            {"--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA"},
            "--tls-cipher-suites: cipher suite 'TLS_RSA_WITH_AES_128_CBC_SHA' is not served"},
           {"a size", {"--grpc-max-recv-msg-size=big"}, "'big' is not from 1Ki to 2Gi"},
           {"a level", {"--zap-log-level=loud"}, "'loud' is none of debug, info, error"}}) {
    const Read got = read(row.args);
    EXPECT_EQ(got.completed.code(), Code::kInvalidArgument) << row.says;
    EXPECT_NE(got.completed.message().find(row.told), std::string_view::npos)
        << row.says << ": " << got.completed.message();
  }
}

TEST(EngineScrape, FlagsLieOverTheConfiguration) {
  router::DataLayerConfig layer;
  layer.metrics_source.port = 7;
  layer.metrics_source.interval = 1s;
  auto plain = engine_scrape({}, layer, 50ms);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->source.port, 7);
  EXPECT_EQ(plain->source.path, "/metrics");
  EXPECT_EQ(plain->source.tls, nullptr);
  EXPECT_EQ(plain->scrape_interval, 1s);

  auto over = engine_scrape({.scheme = "https", .path = "/m", .port = 9, .kv_usage = "kv{a=b}"},
                            layer, 50ms);
  ASSERT_TRUE(over.ok()) << over.error().message();
  EXPECT_EQ(over->source.port, 9);
  ASSERT_NE(over->source.tls, nullptr);
  EXPECT_FALSE(over->source.tls->config().verify);  // engines show certificates of their own
  EXPECT_EQ(over->engines.find("vllm")->kv_usage.name, "kv");
  EXPECT_EQ(over->engines.find("vllm")->waiting.name, "vllm:num_requests_waiting");

  const auto wrong = engine_scrape({.lora = "{"}, layer, 50ms);
  EXPECT_NE(wrong.error().message().find("--lora-info-metric: '{' is neither name"),
            std::string_view::npos);
}

}  // namespace
}  // namespace nacelle::apps
