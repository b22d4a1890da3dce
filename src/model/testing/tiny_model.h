// tiny_model.h: a real CausalLm with made-up weights, small enough for unit tests of other
// components.
//
//   kernels::WorkerPool pool(1);
//   auto model = testing::tiny_model(pool);                       // Llama, 2 layers, 257 tokens
//   auto qwen = testing::tiny_model(pool, {.architecture = "Qwen3ForCausalLM", .seed = 7});
//
// The same shape and seed give the same model on every machine with the same instruction set.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "kernels/worker_pool.h"
#include "model/causal_lm.h"

namespace nacelle::model::testing {

struct TinyModel {
  std::string architecture = "LlamaForCausalLM";
  std::uint32_t vocab_size = 257;
  std::uint32_t hidden_size = 32;
  std::uint32_t num_layers = 2;
  std::uint32_t num_heads = 4;
  std::uint32_t num_kv_heads = 2;
  std::uint32_t head_dim = 16;
  std::uint32_t intermediate_size = 48;
  std::uint32_t max_position_embeddings = 4096;
  std::uint32_t sliding_window = 0;  // of every layer, for MistralForCausalLM; 0 = none
  TokenId eos_token_id = 2;
  std::string dtype = "float32";
  std::uint64_t seed = 0;
  std::string quantization;       // as in LoadOptions
  std::optional<DType> kv_dtype;  // as in LoadOptions
};

[[nodiscard]] inline std::string tiny_config_json(const TinyModel& shape) {
  const std::string window =
      shape.sliding_window == 0 ? "null" : std::to_string(shape.sliding_window);
  return fmt::format(
      R"({{"architectures": ["{}"], "vocab_size": {}, "hidden_size": {}, "num_hidden_layers": {},
 "num_attention_heads": {}, "num_key_value_heads": {}, "head_dim": {}, "intermediate_size": {},
 "max_position_embeddings": {}, "sliding_window": {}, "eos_token_id": {}, "dtype": "{}",
 "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": false}})",
      shape.architecture, shape.vocab_size, shape.hidden_size, shape.num_layers, shape.num_heads,
      shape.num_kv_heads, shape.head_dim, shape.intermediate_size, shape.max_position_embeddings,
      window, shape.eos_token_id, shape.dtype);
}

// A new empty folder below the system's folder for temporary files; removed with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "nacelle-test-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Writes a file of the folder.
  void write(const std::string& name, std::string_view content) const {
    CHECK(write_file_atomically(path_ / name, content).ok());
  }

 private:
  std::filesystem::path path_;
};

// `pool` must outlive the model. `isa` as in LoadOptions.
[[nodiscard]] inline std::unique_ptr<CausalLm> tiny_model(kernels::WorkerPool& pool,
                                                          const TinyModel& shape = {},
                                                          const std::string& isa = "") {
  const TemporaryFolder folder;
  folder.write("config.json", tiny_config_json(shape));
  LoadOptions options;
  options.format = LoadFormat::kDummy;
  options.dummy_seed = shape.seed;
  options.isa = isa;
  options.quantization = shape.quantization;
  options.kv_dtype = shape.kv_dtype;
  Result<std::unique_ptr<CausalLm>> model = CausalLm::load(folder.path(), options, pool);
  CHECK(model.ok());
  return std::move(*model);
}

}  // namespace nacelle::model::testing
