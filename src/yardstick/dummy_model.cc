#include "yardstick/dummy_model.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace nacelle::yardstick {
namespace {

// Asks for weights of `format`; false where the loader has no such option.
template <class Options>
bool choose_weights(Options& options, kernels::WeightFormat format) {
  if (format == kernels::WeightFormat::kBF16) return true;
  if constexpr (requires { options.quantization; }) {
    options.quantization = std::string(to_string(format));
    return true;
  }
  return false;
}

}  // namespace

bool can_load(kernels::WeightFormat format) {
  model::LoadOptions options;
  return choose_weights(options, format);
}

Result<std::unique_ptr<model::CausalLm>> load_dummy(const Lab& lab, const ModelShape& shape,
                                                    kernels::WeightFormat format,
                                                    const std::string& overrides_json) {
  std::error_code failed;
  std::string folder =
      (std::filesystem::temp_directory_path(failed) / "nacelle-yardstick-XXXXXX").string();
  if (failed || ::mkdtemp(folder.data()) == nullptr) {
    return internal("cannot make a temporary folder {}", folder);
  }
  Status written =
      write_file_atomically(std::filesystem::path(folder) / "config.json", shape.config_json);
  model::LoadOptions options;
  options.format = model::LoadFormat::kDummy;
  options.isa = to_string(lab.isa);
  options.hf_overrides_json = overrides_json;
  CHECK(choose_weights(options, format));
  Result<std::unique_ptr<model::CausalLm>> model =
      written.ok() ? model::CausalLm::load(folder, options, lab.pool)
                   : Result<std::unique_ptr<model::CausalLm>>(written);
  std::filesystem::remove_all(folder, failed);
  return model;
}

std::uint32_t ModelBatch::blocks_for(const Span& span, std::uint32_t sequences) {
  return (span.context + kBlock - 1) / kBlock * sequences;
}

ModelBatch::ModelBatch(std::shared_ptr<model::CausalLm> model, const Span& span,
                       std::uint32_t sequences)
    : model_(std::move(model)), tables_(sequences) {
  std::uint32_t next_block = 0;
  for (auto& table : tables_) {
    for (std::uint32_t i = 0; i < blocks_for(span, 1); ++i) table.push_back(next_block++);
    const auto first_row = static_cast<std::uint32_t>(tokens_.size());
    chunks_.push_back({.first_row = first_row,
                       .num_tokens = span.queries,
                       .first_position = span.context - span.queries,
                       .block_table = table});
    for (std::uint32_t i = 0; i < span.queries; ++i) {
      tokens_.push_back((first_row + i) * 7919u % model_->config().vocab_size);
    }
    logit_rows_.push_back(first_row + span.queries - 1);
  }
  logits_.resize(logit_rows_.size() * model_->config().vocab_size);
}

void ModelBatch::run() {
  model_->forward({.tokens = tokens_, .chunks = chunks_, .logit_rows = logit_rows_}, logits_);
}

}  // namespace nacelle::yardstick
