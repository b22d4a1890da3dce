// What engines, models and devices say of themselves, and whether that fits.
#include "control/core/llmd/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "control/core/llmd/engine_args.h"
#include "control/core/llmd/pool_memory.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

using kube::Json;

Json yaml(const char* text) { return *kube::json_of_yaml(text); }

TEST(EngineArgs, DecideTheMemory) {
  struct Row {
    const char* name;
    const char* args;
    EngineShape shape;
  };
  const Row rows[] = {
      {"nothing", "[]", {}},
      {"a value of its own", "[--tensor-parallel-size, \"4\"]", {.tensor = 4}},
      {"after an equals sign", "[--tensor-parallel-size=4]", {.tensor = 4}},
      {"short", "[-tp, \"2\", -pp=3]", {.tensor = 2, .pipeline = 3}},
      {"underscores", "[--pipeline_parallel_size=2]", {.pipeline = 2}},
      {"several words in one text",
       "[\"--max-model-len 4096 -tp 2\"]",
       {.tensor = 2, .max_model_len = 4096}},
      {"thousands", "[--max-model-len=8k]", {.max_model_len = 8000}},
      {"powers of two", "[--max-model-len=8K]", {.max_model_len = 8192}},
      {"the last one counts", "[--max-model-len=8K, --max-model-len=1K]", {.max_model_len = 1024}},
      {"what fits", "[--max-model-len, \"-1\"]", {.max_model_len = 1}},
      {"what fits, in words", "[--max-model-len, auto]", {.max_model_len = 1}},
      {"8-bit cache", "[--kv-cache-dtype, fp8_e5m2]", {.kv_value_bytes = 1}},
      {"cache of the model's type", "[--kv-cache-dtype=auto]", {}},
      {"blocks", "[--block-size=32]", {.block_tokens = 32}},
      {"a share", "[--gpu-memory-utilization, \"0.5\"]", {.utilization = 0.5}},
      {"others do not matter", "[--enforce-eager, --max-num-seqs=64, --seed, \"-3\"]", {}},
      {"texts alone", "[4, {a: b}, --block-size=32]", {.block_tokens = 32}},
  };
  for (const Row& row : rows) {
    const auto shape = engine_shape(yaml(row.args));
    ASSERT_TRUE(shape.ok()) << row.name << ": " << shape.error().message();
    EXPECT_EQ(shape->tensor, row.shape.tensor) << row.name;
    EXPECT_EQ(shape->pipeline, row.shape.pipeline) << row.name;
    EXPECT_EQ(shape->max_model_len, row.shape.max_model_len) << row.name;
    EXPECT_EQ(shape->kv_value_bytes, row.shape.kv_value_bytes) << row.name;
    EXPECT_EQ(shape->block_tokens, row.shape.block_tokens) << row.name;
    EXPECT_DOUBLE_EQ(shape->utilization, row.shape.utilization) << row.name;
  }
}

TEST(EngineArgs, WhatCannotBeComputedIsSaid) {
  const std::pair<const char*, const char*> rows[] = {
      {"[--tensor-parallel-size=two]", "--tensor-parallel-size is \"two\""},
      {"[--tensor-parallel-size=0]", "--tensor-parallel-size is \"0\""},
      {"[--tensor-parallel-size]", "--tensor-parallel-size is \"\""},
      {"[--tensor-parallel-size=99999999999999]", "--tensor-parallel-size is"},
      {"[--max-model-len=1.5K]", "--max-model-len is \"1.5K\""},
      {"[--gpu-memory-utilization=1.5]", "--gpu-memory-utilization is \"1.5\""},
      {"[--gpu-memory-utilization=nan]", "--gpu-memory-utilization is \"nan\""},
      {"[--kv-cache-dtype=nvfp4]", "--kv-cache-dtype is \"nvfp4\""},
      {"[--quantization=fp8]", "--quantization changes"},
      {"[-q, int4]", "--q changes"},
      {"[--cpu-offload-gb=10]", "--cpu-offload-gb changes"},
      {"[--hf-overrides.num_hidden_layers, \"2\"]", "--hf-overrides changes"},
  };
  for (const auto& [args, part] : rows) {
    const auto shape = engine_shape(yaml(args));
    ASSERT_FALSE(shape.ok()) << args;
    EXPECT_NE(shape.error().message().find(part), std::string::npos) << shape.error().message();
  }
}

// Of layers, and those with a window.
std::pair<std::int64_t, std::int64_t> layers(const char* more) {
  Json config = yaml(
      "{num_hidden_layers: 12, num_attention_heads: 8, hidden_size: 512, "
      "max_position_embeddings: 4096}");
  config.update(yaml(more));
  const auto shape = parse_shape(config, 0);
  if (!shape.ok()) return {-1, -1};
  return {shape->layers, shape->window_layers};
}

TEST(ModelShapes, LayersWithWindows) {
  using Layers = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(layers("{}"), Layers(12, 0));
  EXPECT_EQ(layers("{sliding_window: 1024}"), Layers(0, 12)) << "Mistral";
  EXPECT_EQ(layers("{sliding_window: null}"), Layers(12, 0));
  EXPECT_EQ(layers("{sliding_window: 1024, use_sliding_window: false}"), Layers(12, 0)) << "Qwen";
  EXPECT_EQ(layers("{sliding_window: 1024, sliding_window_pattern: 6}"), Layers(2, 10)) << "Gemma";
  EXPECT_EQ(layers("{sliding_window: 1024, max_window_layers: 8}"), Layers(8, 4));
  EXPECT_EQ(layers("{sliding_window: 1024, layer_types: [sliding_attention, full_attention]}"),
            Layers(11, 1));
  EXPECT_EQ(layers("{layer_types: [linear_attention, linear_attention, full_attention]}"),
            Layers(10, 0));
  EXPECT_EQ(layers("{layer_types: [sliding_attention]}"), Layers(-1, -1)) << "without a window";
}

TEST(ModelShapes, WindowsBoundTheCache) {
  ModelShape model{.layers = 2,
                   .window_layers = 10,
                   .window = 1024,
                   .heads = 8,
                   .kv_heads = 8,
                   .head_dim = 64,
                   .max_positions = 131072};
  const auto terms = memory_of(model, {});
  ASSERT_TRUE(terms.ok());
  EXPECT_EQ(terms->kv_minimum, 2LL * 8 * 64 * 2 * (2 * 131072 + 10 * 1024));
}

TEST(ModelShapes, AbsurdNumbersStayNumbers) {
  ModelShape model{.weight_bytes = std::int64_t{1} << 62,
                   .layers = 1 << 24,
                   .heads = 1 << 24,
                   .kv_heads = 1 << 24,
                   .head_dim = 1 << 24,
                   .max_positions = 1 << 24};
  const auto terms = memory_of(model, {.max_model_len = std::int64_t{1} << 62});
  ASSERT_TRUE(terms.ok());
  EXPECT_GT(terms->total(), 0);
  const Tenant tenant{.name = "a", .terms = *terms};
  EXPECT_FALSE(check_device(std::vector<Tenant>(1000, tenant), kMostBytes).ok());
}

TEST(DeviceMemory, FromLabelsAndAllocatable) {
  const auto devices = devices_of_node(yaml(R"(
metadata:
  labels:
    nvidia.com/gpu.memory: "81559"
    nvidia.com/gpu.replicas: "2"
    nvidia.com/gpu.sharing-strategy: time-slicing
    nacelle.dev/accelerator.memory: much
    kubernetes.io/hostname: a
status: {allocatable: {cpu: "8", nvidia.com/gpu: "4", nacelle.dev/accelerator: "1"}}
)"));
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0], (NodeDevices{.resource = "nacelle.dev/accelerator", .count = 1}));
  EXPECT_EQ(devices[1], (NodeDevices{.resource = "nvidia.com/gpu",
                                     .count = 4,
                                     .bytes = std::int64_t{81559} << 20,
                                     .sharers = 2}));
  EXPECT_EQ(devices[1].physical(), 2);
  EXPECT_TRUE(devices_of_node(yaml("{metadata: {labels: {a: b}}}")).empty());
  EXPECT_EQ(devices_of_node(yaml(R"({metadata: {labels: {nvidia.com/gpu.memory: "40960"}}})"))[0],
            (NodeDevices{.resource = "nvidia.com/gpu", .bytes = std::int64_t{40} << 30}))
      << "a label alone";
}

Need need(const char* name, double gib, std::int64_t devices = 1) {
  Need out{.devices = devices};
  out.tenant.name = name;
  out.tenant.declared = static_cast<std::int64_t>(std::ldexp(gib, 30));
  return out;
}

NodeDevices gpus(std::int64_t count, std::int64_t gib) {
  return {.resource = "nvidia.com/gpu", .count = count, .bytes = gib << 30};
}

TEST(Fit, AloneOnTheLargestDevice) {
  const std::vector<NodeDevices> both = {gpus(1, 80), gpus(1, 24)};
  EXPECT_EQ(fits_alone(need("a", 20), both).reason, "Fits");
  EXPECT_EQ(fits_alone(need("a", 30), both).reason, "FitsLargerDevices");
  EXPECT_EQ(fits_alone(need("a", 30), both).status, "True");
  EXPECT_EQ(fits_alone(need("a", 73), both).status, "False");
  EXPECT_EQ(fits_alone(need("a", 73), {}).reason, "DeviceMemoryUnknown");
  Need other = need("a", 73);
  other.resource = "amd.com/gpu";
  EXPECT_EQ(fits_alone(other, both).reason, "DeviceMemoryUnknown") << "those are not its devices";
  Need modest = need("a", 50);
  modest.tenant.utilization = 0.5;
  EXPECT_EQ(fits_alone(modest, both).status, "False") << "it asks for half of a device";
}

TEST(Fit, NeedsOfServices) {
  const ModelFacts model{.shape = ModelShape{.weight_bytes = std::int64_t{8} << 30,
                                             .layers = 32,
                                             .heads = 32,
                                             .kv_heads = 8,
                                             .head_dim = 128,
                                             .max_positions = 4096}};
  const auto of = [&](const char* spec, const ModelFacts& facts) {
    return need_of({{"metadata", {{"name", "a"}}}, {"spec", yaml(spec)}}, facts);
  };
  EXPECT_EQ(of("{}", model).reason, "NoDeviceAsked");
  EXPECT_EQ(of("{resources: {limits: {nvidia.com/gpu: 0}}}", model).reason, "NoDeviceAsked");
  EXPECT_EQ(of("{resources: {limits: {nvidia.com/gpu: 1}}}", {}).reason, "ModelNotRead");
  const Need one = of("{resources: {limits: {nvidia.com/gpu: 1}}}", model);
  EXPECT_TRUE(one.known()) << one.message;
  EXPECT_EQ(one.tenant.terms.weights, std::int64_t{8} << 30);
  EXPECT_EQ(one.resource, "nvidia.com/gpu");
  const Need four =
      of("{resources: {limits: {nvidia.com/gpu: 4}}, engine: {args: [-tp=4]}}", model);
  EXPECT_EQ(four.devices, 4);
  EXPECT_EQ(four.tenant.terms.weights, std::int64_t{2} << 30);
  EXPECT_EQ(
      of("{resources: {limits: {nvidia.com/gpu: 3}}, engine: {args: [-tp=3]}}", model).message,
      "32 attention heads cannot be split over 3 devices");
  const Need declared =
      of("{resources: {vram: 10Gi, limits: {nvidia.com/gpu: 4}}, engine: {args: [-q=fp8]}}", {});
  EXPECT_EQ(declared.tenant.total(), std::int64_t{10} << 28) << declared.message;
  EXPECT_TRUE(declared.known()) << "what is declared needs no flag";
}

TEST(Fit, TogetherOnDevices) {
  struct Row {
    const char* name;
    std::vector<Need> needs;
    std::vector<std::int64_t> gib;
    const char* refusal;
  };
  const std::vector<Row> rows = {
      {"two on one", {need("a", 40), need("b", 32)}, {80}, ""},
      {"two too many on one",
       {need("a", 40), need("b", 33)},
       {80},
       "73.00 GiB are needed of 72.00 GiB (90 % of a 80.00 GiB device), 1.00 GiB too much: a 40.00 "
       "(declared); b 33.00 (declared)"},
      {"three on two", {need("a", 40), need("b", 30), need("c", 70)}, {80, 80}, ""},
      {"three too many on two",
       {need("a", 40), need("b", 40), need("c", 40)},
       {80, 80},
       "c finds no place beside the others on 2 devices of at most 80.00 GiB, of which 90 % may be "
       "filled, 8.00 GiB too much: a 40.00 (declared); b 40.00 (declared); c 40.00 (declared)"},
      {"one on two at once", {need("a", 40, 2), need("b", 30)}, {80, 80}, ""},
      {"one on more than there are",
       {need("a", 1, 2)},
       {80},
       "a needs 2 devices at once, there are 1"},
      {"nobody", {}, {80}, ""},
  };
  for (const Row& row : rows) {
    std::vector<const Need*> needs;
    for (const Need& each : row.needs) needs.push_back(&each);
    std::vector<std::int64_t> sizes;
    for (const std::int64_t gib : row.gib) sizes.push_back(gib << 30);
    EXPECT_EQ(place_together(needs, sizes).message(), row.refusal) << row.name;
  }
}

TEST(Fit, DevicesByTheirSize) {
  using Sizes = std::vector<std::int64_t>;
  const auto in_gib = [](const std::vector<NodeDevices>& devices, std::int64_t at_most) {
    Sizes out = device_sizes(devices, at_most);
    for (std::int64_t& size : out) size >>= 30;
    return out;
  };
  EXPECT_EQ(in_gib({gpus(1, 24), gpus(2, 80)}, 9), (Sizes{80, 80, 24}));
  EXPECT_EQ(in_gib({gpus(1, 24), gpus(2, 80)}, 1), (Sizes{80}));
  EXPECT_EQ(in_gib({gpus(1, 24), gpus(2, 0)}, 9), (Sizes{24, 24, 24})) << "not known: the smallest";
  EXPECT_EQ(in_gib({gpus(0, 24)}, 2), (Sizes{24, 24})) << "labels alone";
  EXPECT_EQ(in_gib({gpus(4, 0)}, 9), Sizes());
}

TEST(Fit, APoolTellsWhatItKnows) {
  const auto verdict = [](const std::vector<Need>& needs, std::int64_t budget) {
    const kube::Condition condition = validate_pool(needs, {gpus(2, 80)}, budget).condition;
    return condition.status + "/" + condition.reason + ": " + condition.message;
  };
  Need far = need("far", 0);
  far.reason = "ModelNotLocal";
  far.message = "hf://a/b";
  EXPECT_EQ(verdict({need("a", 70), need("b", 70)}, 2), "True/Fits: ");
  EXPECT_EQ(verdict({need("a", 70), far}, 2), "Unknown/ModelNotLocal: far: hf://a/b");
  EXPECT_TRUE(verdict({need("a", 73), far}, 2).starts_with("False/InsufficientVRAM: 73.00 GiB"));
  EXPECT_TRUE(
      verdict({need("a", 70), need("b", 70)}, 1).starts_with("False/InsufficientVRAM: 140"));
}

}  // namespace
}  // namespace nacelle::control::llmd
