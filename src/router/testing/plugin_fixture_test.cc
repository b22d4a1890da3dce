#include "router/testing/plugin_fixture.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace nacelle::router::testing {

PluginFixture::PluginFixture(const std::vector<Row>& rows) : rows_(rows) {
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    EndpointSnapshot& endpoint = pool.endpoints.emplace_back();
    endpoint.id = EndpointId{i};
    endpoint.name = "pod-" + std::to_string(i);
    endpoint.address = "10.0.0." + std::to_string(i + 1) + ":8000";
    const TimePoint updated = row.stale ? kNow - std::chrono::hours(1) : kNow;
    endpoint.metrics = {true, updated, row.waiting, row.running, row.kv, 16, 4096};
    if (!row.labels.empty()) endpoint.labels = std::make_shared<const Labels>(row.labels);
    input.load_requests.push_back(row.requests);
    input.load_tokens.push_back(row.tokens);
    input.unseen_requests.push_back(0);
  }
  input.now = kNow;
  input.request.prompt_tokens = 640;
  publish();
}

void PluginFixture::publish() {
  input.pool = std::make_shared<const PoolView>(std::make_shared<const PoolSnapshot>(pool));
}

PluginFixture& PluginFixture::with(std::string_view type, std::string_view parameters,
                                   std::vector<std::string> profiles) {
  auto node = parse_config_text(parameters);
  CHECK(node.has_value());
  Problems problems;
  std::vector<PluginSpec> specs;
  specs.push_back({std::string(type), std::string(type), *node, "plugins[0]"});
  BuildContext context(std::move(specs), std::move(profiles), {true}, problems);
  context.make_all();
  EXPECT_EQ(problems.status("").message(), "");
  plugin_ = context.named(type);
  plugins_ = context.plugins();
  columns_ = context.columns;
  decision.clear(context.profiles().size());
  input.prefix.resize(context.prefix_sources.size());
  for (PrefixColumn& column : input.prefix) {
    column.total_blocks = 10;
    column.block_size_tokens = 64;
    column.matched.clear();
    for (const Row& row : rows_) column.matched.push_back(row.matched);
  }
  input.columns.assign(columns_.size(), {});
  return *this;
}

std::string PluginFixture::error(std::string_view type, std::string_view parameters,
                                 bool allow_experimental) {
  auto node = parse_config_text(parameters);
  CHECK(node.has_value());
  Problems problems;
  std::vector<PluginSpec> specs;
  specs.push_back({std::string(type), std::string(type), *node, "plugins[0]"});
  BuildContext context(std::move(specs), {"default"}, {allow_experimental}, problems);
  context.make_all();
  return problems.status("").message();
}

void PluginFixture::prepare() {
  fresh_.clear();
  for (const TimePoint updated : input.pool->updated) {
    fresh_.push_back(updated != TimePoint::min() &&
                     input.now - updated <= input.metrics_stale_after);
  }
}

Column& PluginFixture::column(std::string_view name) {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  CHECK(found != columns_.end());
  return input.columns[static_cast<std::size_t>(found - columns_.begin())];
}

std::vector<double> PluginFixture::score() {
  return in_context([&](const PickContext& context) {
    Candidates candidates;
    candidates.reset(input.pool->size());
    std::vector<double> scores(candidates.size(), 0.0);
    as<Scorer>().score(context, candidates, scores);
    return scores;
  });
}

std::vector<std::uint32_t> PluginFixture::filter() {
  return in_context([&](const PickContext& context) {
    Candidates candidates;
    candidates.reset(input.pool->size());
    as<Filter>().filter(context, candidates);
    return std::vector<std::uint32_t>(candidates.begin(), candidates.end());
  });
}

std::vector<std::uint32_t> PluginFixture::pick(const std::vector<double>& totals) {
  return in_context([&](const PickContext& context) {
    Candidates candidates;
    candidates.reset(totals.size());
    std::vector<Target> targets;
    as<Picker>().pick(context, candidates, totals, targets);
    std::vector<std::uint32_t> out;
    for (const Target& target : targets) out.push_back(target.position);
    return out;
  });
}

bool PluginFixture::wanted(std::uint32_t decode) {
  return in_context(
      [&](const PickContext& context) { return as<Decider>().wanted(context, decode); });
}

Status PluginFixture::admit() {
  return in_context([&](const PickContext& context) {
    Candidates candidates;
    candidates.reset(input.pool->size());
    return as<Admitter>().admit(context, candidates);
  });
}

}  // namespace nacelle::router::testing
