// QuotaPolicy, RateLimitPolicy, and the limits that client keys carry.
#include "gateway/ai/config/object_parsers.h"

namespace nacelle::gateway::ai {

namespace {

using Field = YamlReader::Field;

constexpr std::uint64_t kMostTokens = std::uint64_t{1} << 53;
constexpr std::size_t kMaxRules = 64;

// Quota durations are one of four units.
Field quota_duration(YamlReader& reader, LimitUnit& out) {
  return reader.one_of<LimitUnit>({{"1s", LimitUnit::kSecond},
                                   {"1m", LimitUnit::kMinute},
                                   {"1h", LimitUnit::kHour},
                                   {"1d", LimitUnit::kDay}},
                                  out);
}

Field bucket_field(YamlReader& reader, RateLimit& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.map(node, path,
               {{"limit", reader.number(0, kMostTokens, [&](std::uint64_t v) { out.amount = v; })},
                {"duration", quota_duration(reader, out.unit)}},
               {"limit", "duration"});
  };
}

void set_expression(YamlReader& reader, const std::string& path, const std::string& text,
                    RateLimit& out) {
  auto compiled = CostExpression::compile(text);
  if (!compiled) return reader.problem(path, compiled.status().message());
  out.cost = CostKind::kExpression;
  out.expression = std::move(*compiled);
}

// A counter that outlives a day is worth keeping over a restart.
bool is_long(LimitUnit unit) { return unit >= LimitUnit::kDay; }

void parse_limit(YamlReader& reader, const YAML::Node& node, const std::string& path,
                 RateLimit& out) {
  std::string cost = "Requests";
  std::string expression;
  bool durable_given = false;
  const auto per = [&](const YAML::Node& list, const std::string& at) {
    reader.list(list, at, 2, [&](const YAML::Node& item, const std::string& where) {
      const std::string what = item.as<std::string>("");
      if (what == "Key") {
        out.per_key = true;
      } else if (what == "Model") {
        out.per_model = true;
      } else {
        reader.problem(where, "expected Key or Model");
      }
    });
  };
  reader.map(
      node, path,
      {{"name", reader.text(out.name)},
       {"headers", header_selectors_field(reader, out.headers)},
       {"models", reader.texts(out.models, 64)},
       {"per", per},
       {"algorithm", reader.one_of<LimitAlgorithm>({{"FixedWindow", LimitAlgorithm::kFixedWindow},
                                                    {"TokenBucket", LimitAlgorithm::kTokenBucket}},
                                                   out.algorithm)},
       {"limit", reader.number(0, kMostTokens, [&](std::uint64_t v) { out.amount = v; })},
       {"unit", reader.one_of<LimitUnit>({{"Second", LimitUnit::kSecond},
                                          {"Minute", LimitUnit::kMinute},
                                          {"Hour", LimitUnit::kHour},
                                          {"Day", LimitUnit::kDay},
                                          {"Month", LimitUnit::kMonth},
                                          {"Year", LimitUnit::kYear}},
                                         out.unit)},
       {"burst", reader.number(1, kMostTokens, [&](std::uint64_t v) { out.burst = v; })},
       {"cost", reader.one_of<CostKind>({{"Requests", CostKind::kRequests},
                                         {"InputTokens", CostKind::kInput},
                                         {"OutputTokens", CostKind::kOutput},
                                         {"TotalTokens", CostKind::kTotal}},
                                        out.cost)},
       {"costExpression", reader.text(expression)},
       {"shadow", reader.boolean(out.shadow)},
       {"durable",
        [&](const YAML::Node& value, const std::string& at) {
          durable_given = true;
          reader.boolean(out.durable)(value, at);
        }}},
      {"limit", "unit"});
  if (!expression.empty()) set_expression(reader, path + ".costExpression", expression, out);
  const bool fixed = out.algorithm == LimitAlgorithm::kFixedWindow;
  if (!durable_given) out.durable = fixed && is_long(out.unit);
  if (out.durable && !fixed) reader.problem(path + ".durable", "needs algorithm FixedWindow");
  if (out.burst > 0 && fixed) reader.problem(path + ".burst", "needs algorithm TokenBucket");
}

}  // namespace

Field header_selectors_field(YamlReader& reader, std::vector<HeaderSelector>& out) {
  return [&](const YAML::Node& node, const std::string& path) {
    reader.list(node, path, 8, [&](const YAML::Node& item, const std::string& at) {
      using Match = HeaderSelector::Match;
      HeaderSelector selector;
      reader.map(item, at,
                 {{"name", reader.text(selector.name)},
                  {"type", reader.one_of<Match>({{"Exact", Match::kExact},
                                                 {"RegularExpression", Match::kRegex},
                                                 {"Distinct", Match::kDistinct}},
                                                selector.match)},
                  {"value", reader.text(selector.value)},
                  {"invert", reader.boolean(selector.invert)}},
                 {"name"});
      selector.name = to_lower(selector.name);
      if (selector.match == Match::kRegex) {
        try {
          selector.pattern = std::make_shared<const std::regex>(selector.value);
        } catch (const std::regex_error& error) {
          reader.problem(at + ".value", fmt::format("no regular expression: {}", error.what()));
        }
      }
      if (selector.match == Match::kDistinct && selector.invert) {
        reader.problem(at + ".invert", "has no meaning for Distinct");
      }
      out.push_back(std::move(selector));
    });
  };
}

Field rate_limits_field(YamlReader& reader, std::string prefix, std::vector<RateLimit>& out) {
  return [&reader, prefix = std::move(prefix), &out](const YAML::Node& node,
                                                     const std::string& path) {
    reader.list(node, path, kMaxRules, [&](const YAML::Node& item, const std::string& at) {
      RateLimit limit;
      parse_limit(reader, item, at, limit);
      // Counters are told apart by name: one that is not given is the limit's place.
      limit.name = prefix + "/" + (limit.name.empty() ? std::to_string(out.size()) : limit.name);
      for (const RateLimit& other : out) {
        if (other.name == limit.name) reader.problem(at + ".name", "is taken");
      }
      out.push_back(std::move(limit));
    });
  };
}

void parse_rate_limit_policy(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  std::vector<RateLimit> limits;
  reader.map(object.spec, "spec", {{"rules", rate_limits_field(reader, object.name, limits)}},
             {"rules"});
  context.add(reader.status());
  for (RateLimit& limit : limits) context.config.rate_limits.push_back(std::move(limit));
}

namespace {

// One entry of perModelQuotas: its rules in order, then the default bucket.
class ModelQuotaParser {
 public:
  explicit ModelQuotaParser(YamlReader& reader) : reader_(reader) { base_.cost = CostKind::kTotal; }

  void parse(const YAML::Node& item, const std::string& path) {
    reader_.map(
        item, path,
        {{"modelName", reader_.text(model_)},
         {"quota", [this](const YAML::Node& node, const std::string& at) { quota(node, at); }}},
        {"modelName", "quota"});
    for (std::size_t i = 0; i < limits_.size(); ++i) limits_[i].name = fmt::format("rule-{}", i);
    if (default_) limits_.push_back(std::move(*default_));
  }

  [[nodiscard]] const std::string& model() const { return model_; }
  [[nodiscard]] const std::vector<RateLimit>& limits() const { return limits_; }

 private:
  void quota(const YAML::Node& node, const std::string& path) {
    // Buckets take the expression over, so it is read before them.
    if (node.IsMap() && node["costExpression"]) {
      const auto text = node["costExpression"].as<std::string>("");
      set_expression(reader_, path + ".costExpression", text, base_);
    }
    reader_.map(node, path,
                {{"costExpression", Field(YamlReader::ignored())},
                 {"mode", Field(YamlReader::ignored())},
                 {"defaultBucket",
                  [this](const YAML::Node& bucket, const std::string& at) {
                    default_ = base_;
                    default_->name = "default";
                    bucket_field(reader_, *default_)(bucket, at);
                  }},
                 {"bucketRules", [this](const YAML::Node& list, const std::string& at) {
                    reader_.list(list, at, kMaxRules,
                                 [this](const YAML::Node& rule, const std::string& where) {
                                   bucket_rule(rule, where);
                                 });
                  }}});
  }

  void bucket_rule(const YAML::Node& item, const std::string& path) {
    RateLimit rule = base_;
    const auto selector = [&](const YAML::Node& node, const std::string& at) {
      reader_.map(node, at, {{"headers", header_selectors_field(reader_, rule.headers)}});
    };
    reader_.map(
        item, path,
        {{"clientSelectors", [&](const YAML::Node& list,
                                 const std::string& at) { reader_.list(list, at, 8, selector); }},
         {"quota", bucket_field(reader_, rule)},
         {"shadowMode", reader_.boolean(rule.shadow)}},
        {"quota"});
    limits_.push_back(std::move(rule));
  }

  YamlReader& reader_;
  std::string model_;
  RateLimit base_;
  std::optional<RateLimit> default_;
  std::vector<RateLimit> limits_;
};

}  // namespace

void parse_quota_policy(const Object& object, ParseContext& context) {
  YamlReader reader(object.title());
  std::vector<ObjectName> targets;
  std::vector<ModelQuotaParser> quotas;
  const auto per_model = [&](const YAML::Node& item, const std::string& at) {
    quotas.emplace_back(reader).parse(item, at);
  };
  const auto target = [&](const YAML::Node& item, const std::string& at) {
    std::string name;
    reader.map(item, at,
               {{"name", reader.text(name)},
                {"kind", Field(YamlReader::ignored())},
                {"group", Field(YamlReader::ignored())}},
               {"name"});
    targets.push_back(object.refer(name, ""));
  };
  const auto list_of = [&](std::size_t most, Field item) {
    return
        [&reader, most, item = std::move(item)](const YAML::Node& node, const std::string& path) {
          reader.list(node, path, most, item);
        };
  };
  reader.map(object.spec, "spec",
             {{"targetRefs", list_of(16, target)},
              {"serviceQuota",
               [&](const YAML::Node&, const std::string& path) {
                 // A limit that nobody keeps must not look like one.
                 reader.problem(path, "is not served; perModelQuotas and RateLimitPolicy are");
               }},
              {"perModelQuotas", list_of(128, per_model)}},
             {"targetRefs"});
  context.add(reader.status());
  for (const ObjectName& backend : targets) {
    for (const ModelQuotaParser& quota : quotas) {
      for (const RateLimit& limit : quota.limits()) {
        QuotaRule rule{.backend = backend, .model = quota.model(), .limit = limit};
        rule.limit.name =
            fmt::format("quota/{}/{}/{}/{}", object.name, backend, quota.model(), limit.name);
        rule.limit.durable = is_long(limit.unit);
        context.config.quotas.push_back(std::move(rule));
      }
    }
  }
}

}  // namespace nacelle::gateway::ai
