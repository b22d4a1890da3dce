#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A small valid Llama config; each test merges its own keys over it.
constexpr const char* kLlama = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
  "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 257,
  "max_position_embeddings": 512})";

Result<ModelConfig> parse_with(const std::string& overrides) {
  return ModelConfig::parse(kLlama, overrides, "m/config.json");
}

TEST(ModelConfig, AbsentKeysTakeTheValuesOfTheHuggingFaceClass) {
  const Result<ModelConfig> config = ModelConfig::parse(kLlama);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->architecture, "LlamaForCausalLM");
  EXPECT_EQ(config->num_kv_heads, 4u);
  EXPECT_EQ(config->head_dim, 16u);
  EXPECT_EQ(config->rms_norm_eps, 1e-6);
  EXPECT_EQ(config->rope.kind, RopeKind::kDefault);
  EXPECT_EQ(config->rope.theta, 10000.0);
  EXPECT_EQ(config->max_model_len, 512u);
  EXPECT_FALSE(config->tie_word_embeddings);
  EXPECT_FALSE(config->attention_bias);
  EXPECT_FALSE(config->dtype.has_value());
  EXPECT_TRUE(config->eos_token_ids.empty());
  EXPECT_EQ(config->window_of_layer(3), 0u);
}

TEST(ModelConfig, NullMeansAbsent) {
  const auto config = ModelConfig::parse(
      R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 96,
          "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 257, "head_dim": null,
          "num_key_value_heads": null, "rope_scaling": null, "eos_token_id": null,
          "torch_dtype": null, "quantization_config": null})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->head_dim, 16u);
  EXPECT_EQ(config->max_position_embeddings, 2048u);
}

struct DTypeCase {
  const char* overrides;
  std::optional<DType> dtype;
};

TEST(ModelConfig, DtypeIsReadFromTheOlderAndTheNewerKey) {
  const std::vector<DTypeCase> cases = {
      {R"({"torch_dtype": "bfloat16"})", DType::kBF16},
      {R"({"dtype": "float16"})", DType::kF16},
      {R"({"dtype": "float32", "torch_dtype": "float16"})", DType::kF32},
      {R"({"dtype": "torch.bfloat16"})", DType::kBF16},
      {R"({"dtype": "auto"})", std::nullopt},
  };
  for (const DTypeCase& c : cases) {
    const auto config = parse_with(c.overrides);
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    EXPECT_EQ(config->dtype, c.dtype) << c.overrides;
  }
}

TEST(ModelConfig, RopeIsReadFromTheOlderAndTheNewerKeys) {
  const auto older = parse_with(
      R"({"rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
          "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}})");
  const auto newer = parse_with(
      R"({"rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 8.0,
          "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}})");
  for (const auto* config : {&older, &newer}) {
    ASSERT_TRUE(config->ok()) << config->error().to_string();
    EXPECT_EQ((*config)->rope.kind, RopeKind::kLlama3);
    EXPECT_EQ((*config)->rope.theta, 500000.0);
    EXPECT_EQ((*config)->rope.factor, 8.0);
    EXPECT_EQ((*config)->rope.original_max_positions, 128.0);
    EXPECT_EQ((*config)->max_model_len, 512u);
  }
}

TEST(ModelConfig, MaxModelLenIsTheSmallestStatedLengthTimesTheStretchOfRope) {
  struct Case {
    const char* overrides;
    std::uint32_t expected;
  };
  const std::vector<Case> cases = {
      {R"({})", 512},
      {R"({"model_max_length": 100, "seq_length": 300})", 100},
      {R"({"rope_scaling": {"type": "linear", "factor": 2.5}})", 1280},
      {R"({"rope_scaling": {"type": "dynamic", "factor": 4}})", 2048},
      {R"({"rope_scaling": {"type": "yarn", "factor": 4.0,
           "original_max_position_embeddings": 64}})",
       256},
      {R"({"max_position_embeddings": null})", 2048},
      {R"({"max_position_embeddings": null, "max_seq_len": 8192})", 8192},
  };
  for (const Case& c : cases) {
    const auto config = parse_with(c.overrides);
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    EXPECT_EQ(config->max_model_len, c.expected) << c.overrides;
  }
}

TEST(ModelConfig, EosIsOneIdOrAList) {
  EXPECT_THAT(parse_with(R"({"eos_token_id": 7})")->eos_token_ids, ElementsAre(7));
  EXPECT_THAT(parse_with(R"({"eos_token_id": [7, 3]})")->eos_token_ids, ElementsAre(7, 3));
  EXPECT_EQ(parse_with(R"({"bos_token_id": 1})")->bos_token_id, 1);
  EXPECT_EQ(parse_with(R"({"pad_token_id": -1})")->pad_token_id, std::nullopt);
}

TEST(ModelConfig, MistralSlidesInAllLayersUnlessTheWindowIsNull) {
  const std::string mistral =
      R"("architectures": ["MistralForCausalLM"], "num_key_value_heads": 2)";
  const auto absent = parse_with("{" + mistral + "}");
  EXPECT_EQ(absent->window_of_layer(0), 4096u);
  EXPECT_EQ(absent->window_of_layer(3), 4096u);
  // A null in an override would remove the key (RFC 7396), so this one is a file of its own.
  const auto null = ModelConfig::parse(
      R"({"architectures": ["MistralForCausalLM"], "hidden_size": 64, "intermediate_size": 96,
          "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": null,
          "vocab_size": 257, "sliding_window": null})");
  ASSERT_TRUE(null.ok()) << null.error().to_string();
  EXPECT_EQ(null->window_of_layer(0), 0u);
  EXPECT_EQ(null->num_kv_heads, 4u);
}

TEST(ModelConfig, QwenSlidesOnlyWhenAskedAndFromALayerOn) {
  const std::string qwen =
      R"({"architectures": ["Qwen2ForCausalLM"], "num_key_value_heads": 2, "sliding_window": 32,)"
      R"( "max_window_layers": 2, "use_sliding_window": )";
  const auto off = parse_with(qwen + "false}");
  EXPECT_EQ(off->sliding_window, std::nullopt);
  EXPECT_EQ(off->window_of_layer(3), 0u);
  const auto on = parse_with(qwen + "true}");
  EXPECT_THAT(on->layer_types, ElementsAre(AttentionKind::kFull, AttentionKind::kFull,
                                           AttentionKind::kSliding, AttentionKind::kSliding));
  EXPECT_EQ(on->window_of_layer(1), 0u);
  EXPECT_EQ(on->window_of_layer(2), 32u);
}

TEST(ModelConfig, LayerTypesOfTheFileWin) {
  const auto config = parse_with(
      R"({"architectures": ["Qwen3ForCausalLM"], "num_key_value_heads": 2, "sliding_window": 8,
          "use_sliding_window": true, "max_window_layers": 0, "layer_types": ["full_attention",
          "sliding_attention", "full_attention", "full_attention"]})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->window_of_layer(0), 0u);
  EXPECT_EQ(config->window_of_layer(1), 8u);
  EXPECT_EQ(config->head_dim, 128u) << "Qwen3's default, not hidden / heads";
}

TEST(ModelConfig, HeadDimMayDifferFromHiddenOverHeads) {
  EXPECT_EQ(parse_with(R"({"head_dim": 80})")->head_dim, 80u);
}

struct BadCase {
  const char* what;
  const char* overrides;
  const char* message;  // a part of it
  Code code = Code::kInvalidArgument;
};

TEST(ModelConfig, BadValuesAreRefusedWithKeyValueAndLimit) {
  const std::vector<BadCase> cases = {
      {"no heads", R"({"num_attention_heads": 0})",
       "num_attention_heads is 0, accepted: a whole number from 1 to 4096"},
      {"negative size", R"({"hidden_size": -64})", "hidden_size is -64, accepted"},
      {"fraction", R"({"vocab_size": 257.5})", "vocab_size is 257.5"},
      {"beyond 64 bits", R"({"intermediate_size": 1000000000000000000000000000000})",
       "intermediate_size is 1e+30"},
      {"beyond the limit", R"({"vocab_size": 4294967296})", "from 1 to 16777216"},
      {"size is a string", R"({"hidden_size": "64"})", "hidden_size is \"64\""},
      {"size is a list", R"({"hidden_size": [1, 2]})", "hidden_size is a list of 2"},
      {"size missing", R"({"hidden_size": null})", "hidden_size is missing"},
      {"too many layers", R"({"num_hidden_layers": 1000000})", "num_hidden_layers is 1000000"},
      {"kv heads do not divide", R"({"num_key_value_heads": 3})",
       "num_attention_heads 4 is not a multiple of num_key_value_heads 3"},
      {"more kv heads than heads", R"({"num_key_value_heads": 8})",
       "num_attention_heads 4 is not a multiple of num_key_value_heads 8"},
      {"odd head_dim", R"({"head_dim": 15})", "head_dim is 15, accepted: even numbers"},
      {"more heads than hidden", R"({"num_attention_heads": 128})",
       "head_dim is missing and hidden_size 64 / num_attention_heads 128 is 0"},
      {"eps", R"({"rms_norm_eps": -1})", "rms_norm_eps is -1"},
      {"activation", R"({"hidden_act": "relu"})", "hidden_act is \"relu\", accepted: silu"},
      {"dtype", R"({"dtype": "int8"})", "dtype is \"int8\", accepted: float32"},
      {"bias is no boolean", R"({"attention_bias": 1})", "attention_bias is 1, accepted: true or"},
      {"eos", R"({"eos_token_id": [1, "x"]})", "eos_token_id is a list of 2"},
      {"negative eos", R"({"eos_token_id": -1})", "eos_token_id is -1"},
      {"rope kind", R"({"rope_scaling": {"type": "spiral", "factor": 2}})",
       "unknown rope_type \"spiral\", accepted: default, linear"},
      {"rope is a list", R"({"rope_scaling": [1]})", "rope_scaling is not an object"},
      {"rope without factor", R"({"rope_scaling": {"type": "linear"}})", "needs a factor"},
      {"rope factor", R"({"rope_scaling": {"type": "linear", "factor": 0.5}})",
       "rope_scaling.factor is 0.5"},
      {"rope theta", R"({"rope_theta": 0})", "rope_theta is 0"},
      {"llama3 factors", R"({"rope_scaling": {"rope_type": "llama3", "factor": 8,
        "low_freq_factor": 4, "high_freq_factor": 4}})",
       "must be larger than low_freq_factor"},
      {"longrope factors", R"({"rope_scaling": {"rope_type": "longrope", "short_factor": [1],
        "long_factor": [1, 2]}})",
       "needs 8 short and 8 long factors (head_dim / 2), got 1 and 2"},
      {"partial rotary", R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor is 0.5"},
      {"rope per layer type", R"({"rope_parameters": {"full_attention": {}}})",
       "differs per layer type"},
      {"stretched too far", R"({"max_position_embeddings": 2147483647,
        "rope_scaling": {"type": "linear", "factor": 1000000}})",
       "RoPE scaling stretches"},
      {"window", R"({"architectures": ["MistralForCausalLM"], "num_key_value_heads": 2,
        "sliding_window": 0})",
       "sliding_window is 0"},
      {"layer types too few", R"({"layer_types": ["full_attention"]})",
       "layer_types names 1 layers, num_hidden_layers is 4"},
      {"layer types unknown", R"({"layer_types": ["a", "a", "a", "a"]})",
       "layer_types[0] is \"a\""},
      {"sliding without window", R"({"layer_types": ["sliding_attention", "full_attention",
        "full_attention", "full_attention"]})",
       "without a sliding_window"},
      {"unknown architecture", R"({"architectures": ["MambaForCausalLM"]})",
       "\"MambaForCausalLM\" is not supported, supported: LlamaForCausalLM, MistralForCausalLM, "
       "Qwen2ForCausalLM, Qwen3ForCausalLM",
       Code::kUnimplemented},
      {"no architecture", R"({"architectures": null})",
       "architectures is missing, supported: Llama"},
      {"architecture is a string", R"({"architectures": "LlamaForCausalLM"})", "a list of names"},
      {"architecture list is empty", R"({"architectures": []})", "a list of names"},
      {"quantised by an unknown method", R"({"quantization_config": {"quant_method": "aqlm"}})",
       "quantization_config.quant_method is \"aqlm\", supported: awq, compressed-tensors, fp8, "
       "gptq",
       Code::kUnimplemented},
  };
  for (const BadCase& c : cases) {
    const auto config = parse_with(c.overrides);
    ASSERT_FALSE(config.ok()) << c.what;
    EXPECT_EQ(config.error().code(), c.code) << c.what;
    EXPECT_THAT(config.error().message(), HasSubstr(c.message)) << c.what;
    EXPECT_THAT(config.error().message(), HasSubstr("m/config.json")) << c.what;
  }
}

TEST(ModelConfig, AllWrongValuesAreListedAtOnce) {
  const auto config = parse_with(R"({"num_attention_heads": 0, "vocab_size": -1, "dtype": "x"})");
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(config.error().message(), HasSubstr("num_attention_heads is 0"));
  EXPECT_THAT(config.error().message(), HasSubstr("; vocab_size is -1"));
  EXPECT_THAT(config.error().message(), HasSubstr("; dtype is \"x\""));
}

TEST(ModelConfig, MalformedJsonNamesTheByte) {
  struct Case {
    const char* text;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"", "not valid JSON"},
      {"{\"hidden_size\": 64", "not valid JSON at byte"},
      {"[1, 2]", "must hold a JSON object, got array"},
      {"{\"hidden_size\": 1e999}", "not acceptable JSON"},
      {"{\"a\": \"\xff\"}", "not valid JSON at byte"},
  };
  for (const Case& c : cases) {
    const auto config = ModelConfig::parse(c.text, "", "m/config.json");
    ASSERT_FALSE(config.ok()) << c.text;
    EXPECT_EQ(config.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(config.error().message(), HasSubstr(c.message)) << c.text;
  }
}

TEST(ModelConfig, NestingIsBounded) {
  const auto nested = [](std::size_t levels) {
    std::string text = std::string(kLlama).substr(0, std::string(kLlama).size() - 1);
    return text + ", \"x\": " + std::string(levels, '[') + "\"]]]\\\"[[[[\"" +
           std::string(levels, ']') + "}";
  };
  EXPECT_TRUE(ModelConfig::parse(nested(63)).ok()) << "brackets in strings do not count";
  for (const std::size_t levels : {64u, 200000u}) {
    const auto config = ModelConfig::parse(nested(levels));
    ASSERT_FALSE(config.ok());
    EXPECT_THAT(config.error().message(),
                HasSubstr(fmt::format("is nested {} levels deep, accepted: 64", levels + 1)));
  }
  EXPECT_FALSE(ModelConfig::parse(kLlama, nested(200000)).ok())
      << "overrides are walked recursively";
}

TEST(ModelConfig, BadOverridesAreNamed) {
  const auto config = ModelConfig::parse(kLlama, "{\"a\": ");
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(config.error().message(), HasSubstr("hf_overrides is not valid JSON"));
}

TEST(ModelConfig, MissingFolderAndMissingFileSayWhatWasLookedFor) {
  const auto no_folder = ModelConfig::load("/nonexistent/model");
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.error().code(), Code::kNotFound);
  EXPECT_THAT(no_folder.error().message(),
              HasSubstr("model folder /nonexistent/model does not exist; looked for "
                        "/nonexistent/model/config.json"));
  const testing::TemporaryFolder empty;
  const auto no_file = ModelConfig::load(empty.path());
  ASSERT_FALSE(no_file.ok());
  EXPECT_EQ(no_file.error().code(), Code::kNotFound);
  EXPECT_THAT(no_file.error().message(), HasSubstr((empty.path() / "config.json").string()));
}

TEST(ModelConfig, ParametersAreCountedAsTheCheckpointHoldsThem) {
  // 2 * 257 * 64 + 4 * (4 * 64 * 64 + 3 * 64 * 96 + 2 * 64) + 64
  EXPECT_EQ(ModelConfig::parse(kLlama)->num_parameters(), 172736u);
}

}  // namespace
}  // namespace nacelle::model
