// model_cases.cc: forward passes of whole models: a long prompt, one stream, many streams.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"
#include "yardstick/bars.h"
#include "yardstick/case.h"
#include "yardstick/dummy_model.h"
#include "yardstick/limits.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {
namespace {

using kernels::WeightFormat;

// One line is one section: a model in one weight format.
struct Model {
  ModelShape shape;
  WeightFormat format;
  bool quick;
};

constexpr Model kModels[] = {
    {kQwen3Small, WeightFormat::kBF16, true},  {kQwen3Small, WeightFormat::kInt8, true},
    {kQwen3Small, WeightFormat::kInt4, false}, {kLlama1B, WeightFormat::kBF16, false},
    {kLlama1B, WeightFormat::kInt8, false},    {kLlama1B, WeightFormat::kInt4, false},
};

// One line is one row of each section.
enum class Kind { kPrefill, kShortPrefill, kOneStream, kManyStreams };
struct Case {
  const char* name;
  Kind kind;
  std::uint32_t sequences;
  Span span;
};

constexpr Case kCases[] = {
    {"prefill 2048", Kind::kPrefill, 1, {2048, 2048}},
    {"prefill 512", Kind::kShortPrefill, 1, {512, 512}},
    {"decode, 1 stream at 256", Kind::kOneStream, 1, {1, 256}},
    {"decode, 32 streams at 144", Kind::kManyStreams, 32, {1, 144}},
};

std::vector<Bar> bars_of(const Case& c, const Model& model, kernels::Isa isa) {
  if (c.kind == Kind::kPrefill) return prefill_bars(isa, model.format);
  return c.kind == Kind::kOneStream ? decode_bars(model.format) : std::vector<Bar>{};
}

Result<std::vector<Contest>> prepare(const Model& which, Lab& lab) {
  ASSIGN_OR_RETURN(std::shared_ptr<model::CausalLm> model,
                   load_dummy(lab, which.shape, which.format));
  std::uint32_t blocks = 0;
  for (const Case& c : kCases) {
    blocks = std::max(blocks, ModelBatch::blocks_for(c.span, c.sequences));
  }
  RETURN_IF_ERROR(model->allocate_kv(blocks, ModelBatch::kBlock));
  std::vector<Contest> contests;
  for (const Case& c : kCases) {
    auto batch = std::make_shared<ModelBatch>(model, c.span, c.sequences);
    batch->run();  // the first one waits for the kernel to clear the pages of K, V and activations
    contests.push_back({[batch] { batch->run(); }, nullptr});
  }
  return contests;
}

Group make_group(const Model& which, const Config& config) {
  Group group;
  const Result<model::ModelConfig> shape = model::ModelConfig::parse(which.shape.config_json);
  CHECK(shape.ok());
  group.name = fmt::format("{} {}", which.shape.name, to_string(which.format));
  group.min_calls = config.effort == Effort::kQuick ? 1 : 3;
  for (const Case& c : kCases) {
    const std::vector<Span> spans(c.sequences, c.span);
    const Work work = model_work(*shape, which.format, spans);
    Row row;
    row.section = group.name;
    row.name = c.name;
    row.label = c.name;
    row.operations = work.operations;
    row.bytes = work.bytes;
    row.tokens = static_cast<double>(c.span.queries) * c.sequences;
    row.roof = roof_name(config.isa, which.format);
    row.bars = bars_of(c, which, config.isa);
    group.rows.push_back(std::move(row));
  }
  group.prepare = [which](Lab& lab) { return prepare(which, lab); };
  return group;
}

}  // namespace

std::vector<Group> model_groups(const Config& config) {
  std::vector<Group> groups;
  for (const Model& model : kModels) {
    if (!can_load(model.format)) continue;
    if (model.quick || config.effort == Effort::kFull) groups.push_back(make_group(model, config));
  }
  return groups;
}

}  // namespace nacelle::yardstick
