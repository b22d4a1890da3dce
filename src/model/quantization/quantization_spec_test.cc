#include "model/quantization/quantization_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/quantization/load_quantization.h"

namespace nacelle::model {
namespace {

using ::testing::HasSubstr;

Result<QuantizationSpec> parse(const std::string& text) {
  return QuantizationSpec::parse(nlohmann::json::parse(text), "quantization_config", "config.json");
}

// One group for all linears, with these keys of its weights.
std::string compressed(const std::string& format, const std::string& weights) {
  return fmt::format(
      R"({{"quant_method": "compressed-tensors", "format": "{}", "ignore": ["lm_head"],
           "config_groups": {{"group_0": {{"targets": ["Linear"], "weights": {{{}}}}}}}}})",
      format, weights);
}

std::string scheme_text(const QuantizationSpec& spec, std::string_view module) {
  const LinearScheme* scheme = spec.scheme_of(module);
  return scheme == nullptr ? "dense" : to_string(*scheme);
}

TEST(QuantizationSpec, EveryMethodSaysHowALinearIsStored) {
  struct Case {
    std::string config;
    std::string scheme;
  };
  const std::vector<Case> cases = {
      {compressed("int-quantized", R"("num_bits": 8, "type": "int", "strategy": "channel")"),
       "int8"},
      {compressed("naive-quantized", R"("num_bits": 8, "type": "int", "strategy": "tensor")"),
       "int8"},
      {compressed("pack-quantized", R"("num_bits": 4, "strategy": "group", "group_size": 32)"),
       "int4-g32"},
      {compressed("pack-quantized", R"("num_bits": 4, "group_size": 64, "actorder": "weight")"),
       "int4-g64"},
      {compressed("pack-quantized", R"("num_bits": 4, "strategy": "channel")"), "int4"},
      {compressed("pack-quantized", R"("num_bits": 4, "strategy": "group", "group_size": -1)"),
       "int4"},
      {compressed("float-quantized", R"("num_bits": 8, "type": "float", "strategy": "block",
                                       "block_structure": [128, 64])"),
       "fp8-block128x64"},
      {R"({"quant_method": "awq", "bits": 4, "group_size": 128})", "int4-g128"},
      {R"({"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "version": "GEMM"})", "int4-g64"},
      {R"({"quant_method": "gptq", "bits": 8, "group_size": -1})", "int8"},
      {R"({"quant_method": "fp8", "activation_scheme": "static"})", "fp8"},
      {R"({"quant_method": "fp8", "weight_block_size": [128, 128]})", "fp8-block128x128"},
  };
  for (const Case& c : cases) {
    const auto spec = parse(c.config);
    ASSERT_TRUE(spec.ok()) << c.config << spec.error().to_string();
    EXPECT_EQ(scheme_text(*spec, "model.layers.0.mlp.up_proj"), c.scheme) << c.config;
  }
}

TEST(QuantizationSpec, TheOlderKeyNeedsNoMethod) {
  const auto spec = parse(R"({"format": "int-quantized", "config_groups": {"g": {
      "targets": ["Linear"], "weights": {"num_bits": 8, "strategy": "channel"}}}})");
  ASSERT_TRUE(spec.ok()) << spec.error().to_string();
  EXPECT_EQ(spec->method_name(), "compressed-tensors");
}

TEST(QuantizationSpec, NamesAndPatternsComeBeforeTheClassAndIgnoredBeforeAll) {
  const auto spec = parse(R"({"quant_method": "compressed-tensors", "format": "pack-quantized",
    "ignore": ["lm_head", "re:.*\\.gate$", "model.layers.1.mlp.up_proj"],
    "config_groups": {
      "a": {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 128}},
      "b": {"targets": ["re:.*down_proj", "model.layers.0.self_attn.q_proj"],
            "weights": {"num_bits": 8, "group_size": 32}}}})");
  ASSERT_TRUE(spec.ok()) << spec.error().to_string();
  EXPECT_EQ(scheme_text(*spec, "lm_head"), "dense");
  EXPECT_EQ(scheme_text(*spec, "model.layers.0.mlp.gate"), "dense");
  EXPECT_EQ(scheme_text(*spec, "model.layers.0.mlp.gate_proj"), "int4-g128");
  EXPECT_EQ(scheme_text(*spec, "model.layers.1.mlp.up_proj"), "dense");
  EXPECT_EQ(scheme_text(*spec, "model.layers.0.mlp.up_proj"), "int4-g128");
  EXPECT_EQ(scheme_text(*spec, "model.layers.0.mlp.down_proj"), "int8-g32");
  EXPECT_EQ(scheme_text(*spec, "model.layers.0.self_attn.q_proj"), "int8-g32");
}

TEST(QuantizationSpec, PlainNamesOfAwqAreParts) {
  const auto spec = parse(
      R"({"quant_method": "awq", "bits": 4, "modules_to_not_convert": ["self_attn", "lm_head"]})");
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(scheme_text(*spec, "model.layers.3.self_attn.o_proj"), "dense");
  EXPECT_EQ(scheme_text(*spec, "model.layers.3.mlp.up_proj"), "int4-g128");
  const auto fp8 = parse(R"({"quant_method": "fp8", "ignored_layers": ["model.layers.3"]})");
  ASSERT_TRUE(fp8.ok());
  EXPECT_EQ(scheme_text(*fp8, "model.layers.3.mlp.up_proj"), "fp8");
}

TEST(QuantizationSpec, WhatHasNoReaderIsRefusedByNameWithTheListOfWhatHas) {
  struct Case {
    std::string config;
    const char* message;
  };
  const std::vector<Case> cases = {
      {R"({"quant_method": "bitsandbytes"})",
       "quantization_config.quant_method is \"bitsandbytes\", supported: awq, compressed-tensors"},
      {"{}", "quant_method is \"\", supported: awq"},
      {R"({"quant_method": "gptq", "bits": 3})", "gptq with bits 3, supported: 4, 8"},
      {R"({"quant_method": "gptq", "bits": 2})", "gptq with bits 2, supported: 4, 8"},
      {R"({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"})",
       "checkpoint_format \"marlin\", supported: gptq, gptq_v2"},
      {R"({"quant_method": "gptq", "bits": 4, "dynamic": {"-:.*": {}}})", "gptq with dynamic"},
      {R"({"quant_method": "awq", "bits": 3})", "awq with bits 3, supported: 4"},
      {R"({"quant_method": "awq", "bits": 4, "version": "gemv"})", "\"gemv\", supported: gemm"},
      {R"({"quant_method": "awq", "bits": 4, "zero_point": false})", "zero_point false"},
      {R"({"quant_method": "fp8", "fmt": "e5m2"})", "fmt \"e5m2\", supported: e4m3"},
      {compressed("nvfp4-pack-quantized", R"("num_bits": 4, "type": "float")"),
       "format \"nvfp4-pack-quantized\", supported: int-quantized"},
      {compressed("mxfp4-pack-quantized", R"("num_bits": 4, "type": "float")"), "\"mxfp4"},
      {compressed("marlin-24", R"("num_bits": 4)"), "format \"marlin-24\", supported"},
      {compressed("pack-quantized", R"("num_bits": 3, "strategy": "channel")"),
       "\"pack-quantized\" with int weights of 3 bits, supported: int-quantized (8 bits)"},
      {compressed("pack-quantized", R"("num_bits": 4, "strategy": "tensor")"),
       "strategy is \"tensor\", supported with pack-quantized: group, channel"},
      {compressed("int-quantized", R"("num_bits": 8, "strategy": "channel", "symmetric": false)"),
       "weights.symmetric is false, supported with int-quantized: true"},
      {R"({"quant_method": "compressed-tensors", "format": "dense",
           "sparsity_config": {"format": "sparse-24-bitmask"}})",
       "sparsity_config.format \"sparse-24-bitmask\", supported: dense"},
      {R"({"quant_method": "compressed-tensors", "transform_config": {"config_groups": {}}})",
       "transform_config (rotated activations)"},
  };
  for (const Case& c : cases) {
    const auto spec = parse(c.config);
    ASSERT_FALSE(spec.ok()) << c.config;
    EXPECT_EQ(spec.error().code(), Code::kUnimplemented) << spec.error().to_string();
    EXPECT_THAT(spec.error().message(), HasSubstr(c.message)) << c.config;
    EXPECT_THAT(spec.error().message(), HasSubstr("config.json")) << c.config;
  }
}

TEST(QuantizationSpec, WrongValuesNameKeyValueAndWhatIsAccepted) {
  struct Case {
    std::string config;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"[]", "quantization_config is array, accepted: an object"},
      {R"({"quant_method": 7})", "quantization_config.quant_method is 7, accepted: a string"},
      {R"({"quant_method": "gptq"})", "quantization_config.bits is missing, accepted: 4, 8"},
      {R"({"quant_method": "gptq", "bits": "4"})", "bits is \"4\", accepted: a whole number"},
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 0})",
       "quantization_config.group_size is 0, accepted: -1"},
      {R"({"quant_method": "awq", "bits": 4, "group_size": -2})", "group_size is -2, accepted"},
      {R"({"quant_method": "awq", "modules_to_not_convert": "lm_head"})",
       "modules_to_not_convert is \"lm_head\", accepted: a list"},
      {R"({"quant_method": "fp8", "weight_block_size": [128]})",
       "weight_block_size is a list of 1, accepted: two numbers"},
      {R"({"quant_method": "fp8", "activation_scheme": "guess"})",
       "activation_scheme is \"guess\", accepted: dynamic, static"},
      {compressed("pack-quantized", R"("num_bits": 4, "strategy": "group")"),
       "quantization_config.config_groups.group_0.weights.group_size is missing"},
      {compressed("pack-quantized", R"("num_bits": 4, "group_size": 32, "actorder": "up")"),
       "weights.actorder is \"up\", accepted: group, weight, static"},
      {R"({"quant_method": "compressed-tensors", "config_groups": []})",
       "config_groups is a list of 0, accepted: an object"},
      {R"({"quant_method": "compressed-tensors", "ignore": ["re:(a"]})",
       "quantization_config.ignore: pattern \"(a\" has a ( without )"},
  };
  for (const Case& c : cases) {
    const auto spec = parse(c.config);
    ASSERT_FALSE(spec.ok()) << c.config;
    EXPECT_EQ(spec.error().code(), Code::kInvalidArgument) << spec.error().to_string();
    EXPECT_THAT(spec.error().message(), HasSubstr(c.message)) << c.config;
  }
}

TEST(LoadQuantization, NamesSayFormGroupAndHead) {
  using Linears = LoadQuantization::Linears;
  struct Case {
    const char* name;
    Linears linears;
    std::size_t group_size;
    bool int8_head;
    const char* method;
  };
  const std::vector<Case> cases = {
      {"", Linears::kAsStored, 128, false, ""},
      {"int8", Linears::kInt8, 128, true, ""},
      {"int8-head16", Linears::kInt8, 128, false, ""},
      {"int4", Linears::kInt4, 128, true, ""},
      {"int4-g128", Linears::kInt4, 128, true, ""},
      {"int4-g64", Linears::kInt4, 64, true, ""},
      {"int4-g32-head16", Linears::kInt4, 32, false, ""},
      {"awq", Linears::kAsStored, 128, false, "awq"},
      {"awq_marlin", Linears::kAsStored, 128, false, "awq"},
      {"gptq-head8", Linears::kAsStored, 128, true, "gptq"},
      {"compressed-tensors", Linears::kAsStored, 128, false, "compressed-tensors"},
      {"fp8", Linears::kAsStored, 128, false, "fp8"},
  };
  for (const Case& c : cases) {
    const auto wanted = LoadQuantization::parse(c.name);
    ASSERT_TRUE(wanted.ok()) << c.name;
    EXPECT_EQ(wanted->linears, c.linears) << c.name;
    EXPECT_EQ(wanted->group_size, c.group_size) << c.name;
    EXPECT_EQ(wanted->int8_head, c.int8_head) << c.name;
    EXPECT_EQ(wanted->method, c.method) << c.name;
  }
  const auto unknown = LoadQuantization::parse("int3");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message(), HasSubstr("\"int3\" is not supported, accepted: int8"));
}

TEST(LoadQuantization, ContradictionsWithTheCheckpointAreRefused) {
  const QuantizationSpec awq = *parse(R"({"quant_method": "awq", "bits": 4})");
  const QuantizationSpec fp8 = *parse(R"({"quant_method": "fp8"})");
  EXPECT_TRUE(LoadQuantization::parse("awq")->check(&awq).ok());
  EXPECT_TRUE(LoadQuantization::parse("int8")->check(nullptr).ok());
  EXPECT_TRUE(LoadQuantization::parse("int8")->check(&fp8).ok()) << "fp8 loads dense";
  EXPECT_TRUE(LoadQuantization::parse("int4")->check(&awq).ok()) << "it is that already";
  EXPECT_THAT(LoadQuantization::parse("gptq")->check(&awq).message(),
              HasSubstr("gptq is asked for, config.json says awq"));
  EXPECT_THAT(LoadQuantization::parse("fp8")->check(nullptr).message(),
              HasSubstr("config.json has no quantization_config"));
  EXPECT_THAT(LoadQuantization::parse("int8")->check(&awq).message(),
              HasSubstr("the checkpoint already has int4-g128 weights (awq)"));
}

}  // namespace
}  // namespace nacelle::model
