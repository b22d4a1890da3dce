// Quantised checkpoints that lie: each is a golden with one tensor changed, and each is refused
// with a message that names the file, the tensor, what it is and what was expected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>

#include "model/causal_lm.h"
#include "model/safetensors.h"
#include "model/testing/safetensors_writer.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kLayer = "model.layers.0.";

struct Tensor {
  std::string dtype;
  std::vector<std::size_t> shape;
  std::string data;
};
using Edit = std::function<void(std::map<std::string, Tensor>&)>;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// The tensor `name` of layer 0.
Tensor& of(std::map<std::string, Tensor>& tensors, const std::string& name) {
  return tensors.at(kLayer + name);
}

class MalformedCheckpoint : public ::testing::Test {
 protected:
  Status load_edited(const std::string& golden, const Edit& edit,
                     const std::string& overrides = "") {
    const fs::path source = fs::path(NACELLE_TESTDATA "/model/quantized") / golden;
    auto file = SafetensorsFile::open(source / "model.safetensors");
    EXPECT_TRUE(file.ok());
    std::map<std::string, Tensor> tensors;
    for (const TensorInfo& info : file->tensors()) {
      const std::span<const std::byte> bytes = file->bytes(info);
      tensors[info.name] = {std::string(safetensors_name(info.dtype)),
                            {info.shape.dims().begin(), info.shape.dims().end()},
                            {reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    }
    edit(tensors);
    testing::SafetensorsWriter writer;
    for (const auto& [name, tensor] : tensors) {
      writer.add(name, tensor.dtype, tensor.shape, tensor.data);
    }
    const testing::TemporaryFolder folder;
    folder.write("model.safetensors", writer.file());
    fs::copy_file(source / "config.json", folder.path() / "config.json");
    LoadOptions options;
    options.hf_overrides_json = overrides;
    options.isa = "reference";
    return CausalLm::load(folder.path(), options, pool_).status();
  }

  kernels::WorkerPool pool_{1};
};

TEST_F(MalformedCheckpoint, IsRefusedWithFileTensorValueAndExpectation) {
  struct Case {
    const char* what;
    const char* golden;
    Edit edit;
    const char* message;
    Code code = Code::kInvalidArgument;
  };
  const auto drop = [](const char* name) {
    return [name](auto& tensors) { tensors.erase(kLayer + std::string(name)); };
  };
  const auto reshape = [](const char* name, std::vector<std::size_t> shape) {
    return [name, shape](auto& tensors) { of(tensors, name).shape = shape; };
  };
  const auto put = [](const char* name, std::size_t at, std::string bytes) {
    return [name, at, bytes](auto& tensors) {
      of(tensors, name).data.replace(at, bytes.size(), bytes);
    };
  };
  const auto retype = [](const char* name, const char* dtype) {
    return [name, dtype](auto& tensors) { of(tensors, name).dtype = dtype; };
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Case> cases = {
      {"scale is missing", "ct_int8_channel", drop("self_attn.k_proj.weight_scale"),
       "tensor model.layers.0.self_attn.k_proj.weight_scale is missing", Code::kNotFound},
      {"scale is NaN", "ct_int8_channel",
       put("self_attn.o_proj.weight_scale", 4, bytes_of<float>({nan})),
       "tensor model.layers.0.self_attn.o_proj.weight_scale: element 1 is nan, expected a finite"},
      {"scale has another count", "ct_int8_channel",
       reshape("self_attn.o_proj.weight_scale", {32, 2}), "has shape [32, 2], config.json implies"},
      {"scale is no float", "ct_int8_channel", retype("self_attn.o_proj.weight_scale", "I32"),
       "weight_scale: has dtype I32, quantization_config implies F32, BF16, F16"},
      {"weight is transposed", "ct_int8_channel", reshape("mlp.down_proj.weight", {128, 64}),
       "weight: has shape [128, 64], config.json implies [64, 128]"},
      {"weight is unsigned", "ct_int8_channel", retype("mlp.down_proj.weight", "U8"),
       "weight: has dtype U8, quantization_config implies I8"},
      {"packed size does not match", "ct_int4_g32",
       reshape("self_attn.q_proj.weight_packed", {32, 16}),
       "weight_packed: has shape [32, 16], config.json implies [64, 8]"},
      {"weight_shape lies", "ct_int4_g32",
       put("self_attn.q_proj.weight_shape", 0, bytes_of<std::int64_t>({63})),
       "q_proj.weight_shape: says [63, 64], config.json implies [64, 64]"},
      {"weight_packed is missing", "ct_int4_g32", drop("self_attn.q_proj.weight_packed"),
       "q_proj.weight_packed is missing", Code::kNotFound},
      {"zero points are missing", "ct_int4_g64_zeros", drop("mlp.up_proj.weight_zero_point"),
       "up_proj.weight_zero_point is missing", Code::kNotFound},
      {"zero points are of another shape", "ct_int4_g64_zeros",
       reshape("mlp.up_proj.weight_zero_point", {1, 16}), "has shape [1, 16], config.json implies"},
      {"order is missing", "ct_int4_g32_ordered", drop("mlp.up_proj.weight_g_idx"),
       "up_proj.weight_g_idx: is missing, quantization_config has actorder group"},
      {"order names a group that is not there", "ct_int4_g32_ordered",
       put("mlp.up_proj.weight_g_idx", 8, bytes_of<std::int32_t>({2})),
       "up_proj.weight_g_idx: column 2 is in group 2, there are 2 groups of 32"},
      {"order is negative", "ct_int4_g32_ordered",
       put("mlp.up_proj.weight_g_idx", 8, bytes_of<std::int32_t>({-2})), "column 2 is in group -2"},
      {"fp8 weight is not a number", "fp8_block", put("mlp.up_proj.weight", 65, "\xff"),
       "up_proj.weight: row 1 column 1 is not a number"},
      {"fp8 scale is infinite", "fp8_tensor",
       put("mlp.up_proj.weight_scale", 0,
           bytes_of<float>({std::numeric_limits<float>::infinity()})),
       "up_proj.weight_scale: element 0 is inf"},
      {"block scales are of another shape", "fp8_block",
       reshape("mlp.up_proj.weight_scale_inv", {2, 3}),
       "weight_scale_inv: has shape [2, 3], config.json implies [3, 2]"},
      {"dense weight beside a scale", "fp8_tensor",
       [](auto& tensors) {
         of(tensors, "mlp.up_proj.weight") = {"BF16", {128, 64}, std::string(128 * 64 * 2, '\0')};
       },
       "up_proj.weight: has dtype BF16, quantization_config implies F8_E4M3"},
      {"awq zero points are missing", "awq_g32", drop("mlp.up_proj.qzeros"),
       "up_proj.qzeros is missing", Code::kNotFound},
      {"awq words are of another shape", "awq_g32", reshape("mlp.up_proj.qweight", {16, 64}),
       "up_proj.qweight: has shape [16, 64], config.json implies [64, 16]"},
      {"gptq scales are of another shape", "gptq_v2_int4_g64",
       reshape("mlp.down_proj.scales", {1, 128}),
       "has shape [1, 128], config.json implies [2, 64]"},
      {"gptq order is missing", "gptq_int4_g32_ordered", drop("mlp.up_proj.g_idx"),
       "up_proj.g_idx: is missing, quantization_config has desc_act true"},
      {"gptq order is too short", "gptq_int4_g32_ordered",
       [](auto& tensors) {
         of(tensors, "mlp.up_proj.g_idx") = {"I32", {4}, std::string(16, '\0')};
       },
       "g_idx: has shape [4], config.json implies [64]"},
      {"an ignored module is stored quantised", "awq_g32",
       [](auto& tensors) {
         tensors.erase(kLayer + std::string("self_attn.o_proj.weight"));
         tensors[kLayer + std::string("self_attn.o_proj.qweight")] =
             of(tensors, "self_attn.q_proj.qweight");
       },
       "tensor model.layers.0.self_attn.o_proj.weight is missing", Code::kNotFound},
  };
  for (const Case& c : cases) {
    const Status status = load_edited(c.golden, c.edit);
    ASSERT_FALSE(status.ok()) << c.what;
    EXPECT_EQ(status.code(), c.code) << c.what << ": " << status.to_string();
    EXPECT_THAT(status.message(), HasSubstr(c.message)) << c.what;
    EXPECT_THAT(status.message(), HasSubstr("/tmp")) << c.what << " must name the place";
  }
}

TEST_F(MalformedCheckpoint, GroupSizesThatDoNotDivideAreRefused) {
  const Edit nothing = [](auto&) {};
  const Status gptq =
      load_edited("gptq_v2_int4_g64", nothing, R"({"quantization_config": {"group_size": 48}})");
  EXPECT_THAT(gptq.message(),
              HasSubstr("q_proj.qweight: has 64 columns, group_size 48 does not divide them"));
  const Status awq =
      load_edited("awq_g32", nothing, R"({"quantization_config": {"group_size": 128}})");
  EXPECT_THAT(awq.message(), HasSubstr("has 64 columns, group_size 128 does not divide them"));
}

TEST_F(MalformedCheckpoint, TheFileItselfIsRightWithoutAnEdit) {
  for (const auto& entry : fs::directory_iterator(NACELLE_TESTDATA "/model/quantized")) {
    const Status status = load_edited(entry.path().filename().string(), [](auto&) {});
    EXPECT_TRUE(status.ok()) << entry.path() << ": " << status.to_string();
  }
}

TEST_F(MalformedCheckpoint, AModuleThatTheFileHasDenseNeedsNoListing) {
  const Status status = load_edited("awq_g32", [](auto& tensors) {
    for (const char* part : {"qweight", "qzeros", "scales"}) {
      tensors.erase(kLayer + std::string("mlp.down_proj.") + part);
    }
    tensors[kLayer + std::string("mlp.down_proj.weight")] = {
        "BF16", {64, 128}, std::string(64 * 128 * 2, '\0')};
  });
  EXPECT_TRUE(status.ok()) << status.to_string();
}

}  // namespace
}  // namespace nacelle::model
