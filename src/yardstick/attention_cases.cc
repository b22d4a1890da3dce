// attention_cases.cc: one layer's attention of the two real shapes, prefill chunks and decode.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include "yardstick/attention_batch.h"
#include "yardstick/case.h"
#include "yardstick/limits.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {
namespace {

struct Shape {
  const char* name;
  AttentionShape attention;
};

constexpr Shape kShapes[] = {
    {"0.6B", {16, 8, 128}},
    {"1B", {32, 8, 64}},
};

// One line is one column of the report.
struct Case {
  const char* name;
  std::uint32_t sequences;
  Span span;
  bool quick;
  KvUse kv = {};
};

constexpr Case kCases[] = {
    {"prefill 512 of 512", 1, {512, 512}, false},
    {"prefill 512 of 4096", 1, {512, 4096}, true},
    {"prefill 512 of 16384", 1, {512, 16384}, false},
    {"decode 1 x 4096", 1, {1, 4096}, true},
    {"decode 1 x 16384", 1, {1, 16384}, false},
    {"decode 32 x 1024", 32, {1, 1024}, false},
    {"decode 1 x 16384, e4m3", 1, {1, 16384}, false, {.dtype = DType::kF8E4M3}},
    {"decode 1 x 16384, int8", 1, {1, 16384}, false, {.dtype = DType::kI8}},
    // Cascade: what is shared is read once for all.
    {"decode 32 x 4352, 4096 shared", 32, {1, 4352}, true, {.shared = 4096}},
};

Group make_group(const Shape& shape, const std::vector<Case>& cases, const Config& config) {
  Group group;
  group.name = fmt::format("attention {}", shape.name);
  for (const Case& c : cases) {
    const std::vector<Span> spans(c.sequences, c.span);
    const Work work = attention_work(shape.attention, spans, c.kv);
    Row row;
    row.section = "attention";
    row.name = fmt::format("{}, {}", shape.name, c.name);
    if (shape.attention.head_dim == 128) row.label = c.name;
    row.operations = work.operations;
    row.bytes = work.bytes;
    row.roof = roof_name(config.isa, kernels::WeightFormat::kBF16);
    group.rows.push_back(std::move(row));
  }
  group.prepare = [shape, cases](Lab& lab) -> Result<std::vector<Contest>> {
    std::vector<Contest> contests;
    for (const Case& c : cases) {
      ASSIGN_OR_RETURN(const auto batch, AttentionBatch::make(lab.pool, lab.isa, shape.attention,
                                                              c.span, c.sequences, c.kv));
      contests.push_back({[batch] { batch->run(); }, nullptr});
    }
    return contests;
  };
  return group;
}

}  // namespace

std::vector<Group> attention_groups(const Config& config) {
  std::vector<Case> cases;
  for (const Case& c : kCases) {
    if (c.quick || config.effort == Effort::kFull) cases.push_back(c);
  }
  std::vector<Group> groups;
  for (const Shape& shape : kShapes) {
    groups.push_back(make_group(shape, cases, config));
    if (config.effort == Effort::kQuick) break;
  }
  return groups;
}

}  // namespace nacelle::yardstick
