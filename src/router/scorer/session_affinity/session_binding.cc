#include "router/scorer/session_affinity/session_binding.h"

#include <algorithm>
#include <array>

#include "router/producer/session_id/session_id.h"

namespace nacelle::router {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr double kUnbound = -1;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

}  // namespace

SessionBindingOptions read_session_binding(Fields& fields, BuildContext& context) {
  SessionBindingOptions out;
  using Strategy = SessionBindingOptions::Strategy;
  fields.choice("strategy", out.strategy,
                {{"encoded_endpoint_header", Strategy::kEncodedEndpointHeader},
                 {"session_id", Strategy::kSessionId}});
  fields.object("encodedEndpointHeaderConfig",
                [&](Fields& header) { header.text("header", out.token_header); });
  out.token_header = lower(out.token_header);
  fields.object("sessionIdConfig", [&](Fields& config) {
    config.each("sources", [&](Fields& source) {
      SessionBindingOptions::Source item;
      std::string attribute;
      source.text("header", item.header);
      source.text("attribute", attribute);
      item.header = lower(item.header);
      if (item.header.empty()) {
        item.producer = &context.producer<SessionId>(source, "producer", "session-id-producer");
      }
      out.sources.push_back(std::move(item));
    });
    std::int64_t seconds = 300, sweep = 10;
    config.count("evictionTtlSeconds", seconds, 1, 86400 * 30);
    config.count("evictionSweepSeconds", sweep, 1, 86400);  // every use sweeps
    out.ttl = std::chrono::seconds(seconds);
  });
  if (out.sources.empty()) out.sources.push_back({"x-session-id", nullptr});
  std::string profile;
  fields.text("profileName", profile);
  if (!profile.empty()) {
    out.profile = context.profile(profile);
    if (!out.profile)
      fields.problem("profileName", fmt::format("there is no profile '{}'", profile));
  }
  return out;
}

std::string encode_session_token(const EndpointSnapshot& endpoint) {
  const std::string text = endpoint.name_space + "/" + endpoint.name;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : kAlphabet[bits >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

std::string decode_session_token(std::string_view token) {
  constexpr std::size_t kMaxToken = 1024;
  while (token.ends_with('=')) token.remove_suffix(1);
  if (token.size() > kMaxToken) return {};
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : token) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 255);
  }
  return out;
}

std::optional<std::uint32_t> SessionBinding::bound(const PickContext& context) const {
  const Column& column = context.input.columns[column_];
  if (column.empty() || !(column[0] >= 0 && column[0] < static_cast<double>(context.pool.size())))
    return std::nullopt;
  return static_cast<std::uint32_t>(column[0]);
}

std::string_view SessionBinding::session_of(const RoutingRequest& request) const {
  for (const auto& source : options_.sources) {
    const std::string_view id =
        source.producer != nullptr ? source.producer->of(request) : request.header(source.header);
    if (!id.empty()) return id;
  }
  return {};
}

void SessionBinding::produce(DecisionInput& input) {
  Column& column = input.columns[column_];
  column.assign(1, kUnbound);
  const auto bind = [&](auto is_it) {
    for (std::uint32_t i = 0; i < input.pool->size(); ++i) {
      if (!is_it(input.pool->endpoint(i))) continue;
      column[0] = i;
      return;
    }
  };
  if (options_.strategy == SessionBindingOptions::Strategy::kEncodedEndpointHeader) {
    const std::string name = decode_session_token(input.request.header(options_.token_header));
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) return;
    bind([&](const EndpointSnapshot& endpoint) {
      return endpoint.name == std::string_view(name).substr(slash + 1) &&
             endpoint.name_space == std::string_view(name).substr(0, slash);
    });
    return;
  }
  expire(input.now);
  const auto found = by_id_.find(session_of(input.request));
  if (found == by_id_.end()) return;
  bind([&](const EndpointSnapshot& endpoint) { return endpoint.id == found->second->endpoint; });
}

const Target* SessionBinding::target_of(const Decision& decision) const {
  const ProfileResult& result = decision.results[options_.profile.value_or(decision.primary)];
  return result.done() ? &result.targets.front() : nullptr;
}

void SessionBinding::committed(const DecisionInput& input, const Decision& decision) {
  if (options_.strategy != SessionBindingOptions::Strategy::kSessionId) return;
  const std::string_view id = session_of(input.request);
  const Target* target = target_of(decision);
  if (id.empty() || target == nullptr) return;
  bind(id, input.pool->endpoint(target->position).id, input.now);
}

void SessionBinding::moved(const Move& move, std::vector<HeaderValue>& response_headers) {
  if (options_.profile.value_or(move.primary) != move.primary) return;
  if (options_.strategy == SessionBindingOptions::Strategy::kSessionId) {
    RoutingRequest request;
    request.headers = move.headers;
    const std::string_view id = session_of(request);
    if (!id.empty()) bind(id, move.to.id, move.now);
    return;
  }
  for (HeaderValue& header : response_headers) {
    if (header.name == options_.token_header) header.value = encode_session_token(move.to);
  }
}

void SessionBinding::bind(std::string_view id, EndpointId endpoint, TimePoint now) {
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found->second);
  } else {
    sessions_.push_front({std::string(id), {}, {}});
    by_id_.emplace(sessions_.front().id, sessions_.begin());
  }
  sessions_.front().endpoint = endpoint;
  sessions_.front().used = now;
  while (sessions_.size() > kMaxSessions) {
    by_id_.erase(sessions_.back().id);
    sessions_.pop_back();
  }
}

void SessionBinding::finish(const PickContext& context, Decision& decision) const {
  if (options_.strategy != SessionBindingOptions::Strategy::kEncodedEndpointHeader) return;
  const Target* target = target_of(decision);
  if (target == nullptr) return;
  for (const HeaderValue& header : decision.response_headers) {
    if (header.name == options_.token_header) return;  // scorer and filter both write it
  }
  decision.response_headers.push_back(
      {options_.token_header, encode_session_token(context.endpoint(target->position))});
}

void SessionBinding::forget(EndpointId endpoint) {
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    if (it->endpoint != endpoint) {
      ++it;
      continue;
    }
    by_id_.erase(it->id);
    it = sessions_.erase(it);
  }
}

void SessionBinding::expire(TimePoint now) {
  while (!sessions_.empty() && now - sessions_.back().used > options_.ttl) {
    by_id_.erase(sessions_.back().id);
    sessions_.pop_back();
  }
}

}  // namespace nacelle::router
