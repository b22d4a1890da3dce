#include "apps/nacelle/serve_options.h"

#include <gtest/gtest.h>

#include <map>

#include "cli/flags/flag_parser.h"
#include "cli/vllm_flags.h"

namespace nacelle::apps {
namespace {

using Variables = std::map<std::string, std::string>;

Result<ServeOptions> resolve(std::vector<std::string> args, Variables variables = {}) {
  auto flags = cli::FlagParser(cli::vllm_serve_flags()).parse(args);
  if (!flags) return flags.error();
  return resolve_serve_options(*flags, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(ServeOptions, DefaultsAreThoseOfTheSheet) {
  auto options = resolve({"models/demo"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->engine.block_size, 16u);
  EXPECT_EQ(options->engine.max_num_batched_tokens, 2048u);
  EXPECT_EQ(options->engine.max_num_seqs, 128u);
  EXPECT_TRUE(options->engine.enable_prefix_caching);
  EXPECT_EQ(options->engine.hash_algorithm, engine::HashAlgorithm::kSha256Cbor);
  EXPECT_EQ(options->http.address.port, 8000);
  EXPECT_EQ(options->server.served_model_names, std::vector<std::string>{"models/demo"});
  EXPECT_EQ(options->server.max_logprobs, 20);
  EXPECT_FALSE(options->max_model_len);
  EXPECT_FALSE(options->load.kv_dtype);
}

TEST(ServeOptions, KvCacheDtypes) {
  EXPECT_EQ(resolve({"m", "--kv-cache-dtype", "fp8"})->load.kv_dtype, DType::kF8E4M3);
  EXPECT_EQ(resolve({"m", "--kv-cache-dtype", "fp8_e4m3"})->load.kv_dtype, DType::kF8E4M3);
  EXPECT_EQ(resolve({"m", "--kv-cache-dtype", "int8"})->load.kv_dtype, DType::kI8);
  EXPECT_EQ(resolve({"m", "--kv-cache-dtype", "bfloat16"})->load.kv_dtype, DType::kBF16);
  EXPECT_FALSE(resolve({"m", "--kv-cache-dtype", "auto"})->load.kv_dtype);
}

TEST(ServeOptions, PackedWeightsHaveAPlace) {
  using Mode = model::PackedCacheOptions::Mode;
  const auto cache = [](std::vector<std::string> args, Variables variables = {}) {
    return resolve(std::move(args), std::move(variables))->load.packed_cache;
  };
  EXPECT_EQ(cache({"m"}).mode, Mode::kAuto);
  EXPECT_EQ(cache({"m"}).fallback, "");
  EXPECT_EQ(cache({"m"}, {{"HOME", "/h"}}).fallback, "/h/.cache/nacelle");
  EXPECT_EQ(cache({"m"}, {{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}).fallback, "/x/nacelle");
  EXPECT_EQ(cache({"m", "--packed-weight-cache", "off"}).mode, Mode::kOff);
  EXPECT_EQ(cache({"m", "--packed-weight-cache", "/d"}).mode, Mode::kFolder);
  EXPECT_EQ(cache({"m", "--packed-weight-cache", "/d"}).folder, "/d");
}

TEST(ServeOptions, SpeculationIsOffUnlessAskedFor) {
  auto options = resolve({"m"});
  ASSERT_TRUE(options.ok());
  EXPECT_FALSE(options->engine.speculative.enabled());
  EXPECT_TRUE(options->engine.async_scheduling);
  EXPECT_FALSE(options->server.refuses_min_p_and_logit_bias);
  options = resolve({"m", "--no-async-scheduling", "--speculative-config",
                     R"({"method":"ngram","num_speculative_tokens":3,"prompt_lookup_max":4})"});
  ASSERT_TRUE(options.ok()) << options.error().message();
  EXPECT_EQ(options->engine.speculative.num_speculative_tokens, 3u);
  EXPECT_EQ(options->engine.speculative.prompt_lookup_min, 4u);
  EXPECT_FALSE(options->engine.async_scheduling);
  EXPECT_TRUE(options->server.refuses_min_p_and_logit_bias);
  EXPECT_TRUE(options->without_effect.empty());
  EXPECT_FALSE(resolve({"m", "--speculative-config", R"({"method":"eagle"})"}).ok());
}

TEST(ServeOptions, TlsFlags) {
  EXPECT_FALSE(resolve({"m"})->tls.server.has_value());
  auto options =
      resolve({"m", "--ssl-certfile", "c.pem", "--ssl-keyfile", "k.pem", "--ssl-ca-certs", "ca.pem",
               "--ssl-cert-reqs", "2", "--ssl-ciphers", "ECDHE+AESGCM", "--enable-ssl-refresh"});
  ASSERT_TRUE(options.ok()) << options.error().message();
  ASSERT_TRUE(options->tls.server.has_value());
  EXPECT_EQ(options->tls.server->certificates[0].chain.file, "c.pem");
  EXPECT_EQ(options->tls.server->certificates[0].key.file, "k.pem");
  EXPECT_EQ(options->tls.server->client_ca.file, "ca.pem");
  EXPECT_EQ(options->tls.server->client_verify, net::ClientVerify::kRequired);
  EXPECT_EQ(options->tls.server->ciphers, "ECDHE+AESGCM");
  EXPECT_TRUE(options->tls.refresh);
  EXPECT_TRUE(options->without_effect.empty());

  options = resolve({"m", "--ssl-certfile", "both.pem", "--ssl-ciphers", "TLSv1"});
  ASSERT_TRUE(options.ok());
  EXPECT_FALSE(options->tls.server->certificates[0].key.given());
  EXPECT_EQ(options->tls.server->ciphers, "");
  EXPECT_EQ(options->tls.server->client_verify, net::ClientVerify::kNone);
  EXPECT_FALSE(options->tls.refresh);

  const std::vector<std::vector<std::string>> wrong = {
      {"m", "--ssl-keyfile", "k.pem"},
      {"m", "--ssl-certfile", "c.pem", "--ssl-cert-reqs", "3"},
      {"m", "--ssl-certfile", "c.pem", "--ssl-cert-reqs", "1"},
      {"m", "--ssl-ca-certs", "ca.pem"}};
  for (const auto& args : wrong) EXPECT_EQ(resolve(args).error().code(), Code::kInvalidArgument);
}

TEST(ServeOptions, FlagsReachTheComponents) {
  auto options = resolve({"m",
                          "--dtype",
                          "half",
                          "-q",
                          "int4-g32",
                          "--max-model-len",
                          "2K",
                          "--kv-cache-memory-bytes",
                          "1G",
                          "--scheduling-policy",
                          "priority",
                          "--prefix-caching-hash-algo",
                          "xxhash",
                          "--served-model-name",
                          "a",
                          "b",
                          "--api-key",
                          "k1",
                          "k2",
                          "--disable-access-log-for-endpoints",
                          "/health,/metrics,",
                          "--hf-overrides",
                          R"({"rope_theta":1})",
                          "--shutdown-timeout",
                          "2.5",
                          "--tensor-parallel-size",
                          "1"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->load.dtype, DType::kF16);
  EXPECT_EQ(options->load.quantization, "int4-g32");
  EXPECT_EQ(options->max_model_len, 2048u);
  EXPECT_EQ(options->kv.bytes, std::uint64_t{1} << 30);
  EXPECT_EQ(options->engine.policy, engine::SchedulingPolicy::kPriority);
  EXPECT_EQ(options->engine.hash_algorithm, engine::HashAlgorithm::kXxhash);
  EXPECT_EQ(options->server.api_keys.size(), 2u);
  EXPECT_EQ(options->server.access_log_excluded_paths,
            (std::set<std::string>{"/health", "/metrics"}));
  EXPECT_EQ(options->load.hf_overrides_json, R"({"rope_theta":1})");
  EXPECT_EQ(options->shutdown_timeout_s, 2.5);
  EXPECT_EQ(options->without_effect, std::vector<std::string>{"--tensor-parallel-size"});
}

TEST(ServeOptions, TheEnvironmentFillsInAndFlagsWin) {
  const Variables variables = {{"VLLM_API_KEY", "env"},
                               {"VLLM_CPU_KVCACHE_SPACE", "2"},
                               {"PYTHONHASHSEED", "0"},
                               {"VLLM_PORT", "tcp://10.0.0.1:80"}};
  auto options = resolve({"m"}, variables);
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->server.api_keys, std::vector<std::string>{"env"});
  EXPECT_EQ(options->kv.bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(options->engine.hash_seed, "0");
  options = resolve({"m", "--api-key", "flag", "--kv-cache-memory-bytes", "5"}, variables);
  EXPECT_EQ(options->server.api_keys, std::vector<std::string>{"flag"});
  EXPECT_EQ(options->kv.bytes, 5u);
}

TEST(ServeOptions, RefusesWithTheReason) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "which model?"},
      {{"a", "b"}, "one model folder is expected"},
      {{"m", "--port", "70000"}, "--port must be 0 to 65535, got 70000"},
      {{"m", "--block-size", "0"}, "--block-size must be at least 1"},
      {{"m", "--max-num-batched-tokens", "8"},
       "--max-num-batched-tokens (8) must be at least --max-num-seqs (128)"},
      {{"m", "--gpu-memory-utilization", "1.5"}, "must be in (0, 1]"},
      {{"m", "--load-format", "gguf"}, "--load-format gguf is not supported"},
      {{"m", "--quantization", "int3"}, "--quantization: quantization \"int3\" is not supported"},
      {{"m", "--kv-cache-dtype", "fp4"}, "--kv-cache-dtype"},
      {{"m", "--enable-auto-tool-choice"}, "requires --tool-call-parser"},
      {{"m", "--tool-call-parser", "mistral"}, "is not one of hermes"},
      {{"m", "--max-model-len", "0"}, "--max-model-len must be at least 1"},
      {{"m", "--shutdown-timeout", "-1"}, "must not be negative"},
  };
  for (const auto& [args, message] : cases) {
    auto options = resolve(args);
    ASSERT_FALSE(options) << message;
    EXPECT_NE(options.error().message().find(message), std::string::npos)
        << options.error().message();
  }
}

}  // namespace
}  // namespace nacelle::apps
