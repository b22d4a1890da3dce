#include "gateway/ai/limits/rate_limiter.h"

#include <algorithm>

#include "gateway/ai/glob.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::size_t kMaxRegexBytes = 1024;

bool header_matches(const HeaderSelector& selector, std::optional<std::string_view> value) {
  switch (selector.match) {
    case HeaderSelector::Match::kExact:
      return (value == selector.value) != selector.invert;
    case HeaderSelector::Match::kRegex:
      // The library's matcher recurses over its text, so long values never match.
      return (value && value->size() <= kMaxRegexBytes &&
              std::regex_match(value->begin(), value->end(), *selector.pattern)) != selector.invert;
    case HeaderSelector::Match::kDistinct:
      return value.has_value();
  }
  return false;
}

std::uint64_t cost_at_admission(const RateLimit& limit) {
  return limit.cost == CostKind::kRequests ? 1 : 0;
}

Result<std::uint64_t> cost_at_end(const RateLimit& limit, const CostInputs& inputs) {
  switch (limit.cost) {
    case CostKind::kRequests:
      return std::uint64_t{0};
    case CostKind::kInput:
      return inputs.usage.input;
    case CostKind::kOutput:
      return inputs.usage.output;
    case CostKind::kTotal:
      return inputs.usage.total();
    case CostKind::kExpression:
      return limit.expression->evaluate(inputs);
  }
  return std::uint64_t{0};
}

// Subjects hold what clients send: the separators are escaped, so that no two subjects meet.
void append_part(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += '|';
  out.append(name).append("=");
  for (const char c : value) {
    if (c == '|' || c == '\\' || c == '\n') out += '\\';
    out += c == '\n' ? 'n' : c;
  }
}

WallTime seconds_at(WallMicros now) { return std::chrono::floor<std::chrono::seconds>(now); }

}  // namespace

std::optional<std::string> subject_of(const RateLimit& limit, const LimitFacts& facts) {
  if (!limit.models.empty() &&
      std::none_of(limit.models.begin(), limit.models.end(),
                   [&](const std::string& glob) { return matches_glob(glob, facts.model); })) {
    return std::nullopt;
  }
  std::string out;
  if (limit.per_key) append_part(out, "key", facts.key_id);
  if (limit.per_model) append_part(out, "model", facts.model);
  for (const HeaderSelector& selector : limit.headers) {
    const auto value = facts.header ? facts.header(selector.name) : std::nullopt;
    if (!header_matches(selector, value)) return std::nullopt;
    if (selector.match == HeaderSelector::Match::kDistinct) {
      append_part(out, selector.name, *value);
    }
  }
  return out;
}

RateLimiter::RateLimiter(std::size_t max_counters, std::size_t num_shards)
    : max_per_shard_(std::max<std::size_t>(1, max_counters / std::max<std::size_t>(1, num_shards))),
      shards_(std::max<std::size_t>(1, num_shards)) {}

template <class Use>
void RateLimiter::with_counter(const RateLimit& limit, std::string_view subject, Use use) {
  std::string id = limit.name;
  id += '\n';
  id += subject;
  Shard& shard = shards_[std::hash<std::string_view>{}(id) % shards_.size()];
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_id.find(id); found != shard.by_id.end()) {
    shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
  } else {
    if (shard.recent.size() >= max_per_shard_) {
      shard.by_id.erase(shard.recent.back().id);
      shard.recent.pop_back();
    }
    shard.recent.push_front({std::move(id), {}});
    shard.by_id.emplace(shard.recent.front().id, shard.recent.begin());
  }
  use(shard.recent.front().counter);
}

Admission RateLimiter::admit(std::span<const RateLimit* const> limits, const LimitFacts& facts,
                             WallMicros now) {
  Admission out;
  for (const RateLimit* limit : limits) {
    auto subject = subject_of(*limit, facts);
    if (!subject) continue;
    const std::uint64_t cost = cost_at_admission(*limit);
    // A request is charged where it is asked, so that two loops cannot both take the last one.
    with_counter(*limit, *subject, [&](Counter& counter) {
      const bool admitted = counter.admits(*limit, cost, now);
      if (!admitted && !limit->shadow) {
        Refusal refusal{limit->name, counter.view(*limit, now), seconds_of(limit->unit)};
        if (!out.refusal || refusal.view.reset_seconds > out.refusal->view.reset_seconds) {
          out.refusal = std::move(refusal);
        }
        out.allowed = false;
      } else if (cost > 0) {
        counter.charge(*limit, cost, now);
      }
      if (admitted || limit->shadow) {
        (cost > 0 ? out.charged : out.tickets).push_back({limit, std::move(*subject)});
      }
    });
  }
  if (out.allowed) return out;
  // Refused after all: what other limits took goes back.
  for (const Ticket& ticket : out.charged) {
    with_counter(*ticket.limit, ticket.subject,
                 [&](Counter& counter) { counter.give_back(*ticket.limit, 1, now); });
  }
  out.charged.clear();
  out.tickets.clear();
  return out;
}

RateLimiter::Charged RateLimiter::charge(const Admission& admission, const CostInputs& inputs,
                                         WallMicros now) {
  Charged out;
  const auto keep = [&](const Ticket& ticket, std::uint64_t cost) {
    if (!ticket.limit->durable || cost == 0) return;
    out.durable.push_back({ticket.limit->name, ticket.subject,
                           window_of(ticket.limit->unit, seconds_at(now)).begin, cost});
  };
  for (const Ticket& ticket : admission.charged) keep(ticket, 1);
  for (const Ticket& ticket : admission.tickets) {
    const RateLimit& limit = *ticket.limit;
    const auto cost = cost_at_end(limit, inputs);
    if (!cost) {
      out.errors.push_back(cost.error().with_context(limit.name));
      continue;
    }
    with_counter(limit, ticket.subject,
                 [&](Counter& counter) { counter.charge(limit, *cost, now); });
    keep(ticket, *cost);
  }
  return out;
}

void RateLimiter::restore(const RateLimit& limit, const DurableCharge& charge, WallMicros now) {
  if (charge.window_begin != window_of(limit.unit, seconds_at(now)).begin) return;
  with_counter(limit, charge.subject,
               [&](Counter& counter) { counter.charge(limit, charge.amount, now); });
}

std::size_t RateLimiter::num_counters() const {
  std::size_t out = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    out += shard.recent.size();
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> rate_limit_headers(const Refusal& refusal) {
  const CounterView& view = refusal.view;
  return {{"x-ratelimit-limit",
           fmt::format("{}, {};w={}", view.limit, view.limit, refusal.window_seconds)},
          {"x-ratelimit-remaining", std::to_string(view.remaining)},
          {"x-ratelimit-reset", std::to_string(view.reset_seconds)},
          {"retry-after", std::to_string(std::max<std::uint64_t>(1, view.reset_seconds))},
          {"x-envoy-ratelimited", "true"}};
}

Status to_status(const Refusal& refusal) {
  return resource_exhausted("limit {}: {} used up, try again in {} s", refusal.limit_name,
                            refusal.view.limit, refusal.view.reset_seconds);
}

}  // namespace nacelle::gateway::ai
