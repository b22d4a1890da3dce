#include "gateway/observe/access_line.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "base/json_string.h"

namespace nacelle::gateway {
namespace {

constexpr std::array<std::string_view, 8> kSecretWords = {
    "key", "token", "secret", "password", "signature", "credential", "auth", "sig"};

bool names_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

class Line {
 public:
  void text(std::string_view key, std::string_view value) {
    name(key);
    if (value.empty()) {
      out_ += "null";
    } else {
      append_json_string(out_, value);
    }
  }
  void number(std::string_view key, std::uint64_t value) {
    name(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void null(std::string_view key) {
    name(key);
    out_ += "null";
  }
  std::string finish() {
    out_ += "}\n";
    return std::move(out_);
  }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

 private:
  void name(std::string_view key) {
    out_.append(out_.empty() ? "{\"" : ",\"").append(key).append("\":");
  }
  std::string out_;
};

std::uint64_t milliseconds(Duration duration) {
  return duration <= Duration::zero()
             ? 0
             : static_cast<std::uint64_t>(
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t seconds = since.count() / 1000;
  // The date is the same for a second; gmtime is a large part of a line's cost otherwise.
  thread_local std::time_t last = -1;
  thread_local std::string date;
  if (seconds != last) {
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    date = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    last = seconds;
  }
  return fmt::format("{}.{:03}Z", date, since.count() % 1000);
}

}  // namespace

std::string redact_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::string(target);
  std::string out(target.substr(0, mark + 1));
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equal = pair.find('=');
    if (equal != std::string_view::npos && names_secret(pair.substr(0, equal))) {
      out.append(pair.substr(0, equal + 1)).append("[REDACTED]");
    } else {
      out.append(pair);
    }
    if (end < rest.size()) out += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string access_line(const ExchangeRecord& r) {
  Line line;
  line.reserve(1024);
  line.text("start_time", time_text(r.started_at));
  line.text("method", r.method);
  line.text("x-envoy-origin-path", redact_target(r.path));
  line.text("protocol", r.protocol);
  line.number("response_code", static_cast<std::uint64_t>(r.status));
  line.text("response_flags", r.flags);
  line.text("response_code_details", r.details);
  line.text("upstream_transport_failure_reason", r.failure);
  line.number("bytes_received", r.bytes_received);
  line.number("bytes_sent", r.bytes_sent);
  line.number("duration", milliseconds(r.ended - r.started));
  if (r.first_byte != TimePoint{}) {
    line.number("x-envoy-upstream-service-time", milliseconds(r.first_byte - r.complete));
  } else {
    line.null("x-envoy-upstream-service-time");
  }
  line.text("x-forwarded-for", r.forwarded_for);
  line.text("user-agent", r.user_agent);
  line.text("x-request-id", r.request_id);
  line.text(":authority", r.authority);
  line.text("upstream_host", r.upstream_host);
  line.text("upstream_cluster", r.cluster);
  line.text("downstream_remote_address", r.peer);
  line.text("listener", r.listener);
  line.text("route_name", r.route);
  line.number("upstream_request_attempt_count", r.attempts);
  line.text("session.id", r.session);
  line.text("trace_id", r.trace.trace_id);
  line.text("client_key", r.client_key);
  line.text("gen_ai.request.model", r.model);
  line.text("gen_ai.request.model_override", r.upstream_model);
  line.text("gen_ai.response.model", r.response_model);
  line.text("gen_ai.provider.name", r.provider);
  if (r.tokens) {
    line.number("gen_ai.usage.input_tokens", r.tokens->input);
    line.number("gen_ai.usage.output_tokens", r.tokens->output);
    line.number("gen_ai.usage.total_tokens", r.tokens->input + r.tokens->output);
    line.number("gen_ai.usage.reasoning_tokens", r.tokens->reasoning);
  } else {
    for (const char* key : {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
                            "gen_ai.usage.total_tokens", "gen_ai.usage.reasoning_tokens"})
      line.null(key);
  }
  return line.finish();
}

}  // namespace nacelle::gateway
