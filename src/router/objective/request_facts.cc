#include "router/objective/request_facts.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "openai/routing_headers.h"

namespace nacelle::router::objective {

namespace {

enum class Fact : std::uint8_t {
  kFairnessId,
  kObjective,
  kModelRewrite,
  kSloTtft,
  kSloTpot,
  kVideoFps,
  kVideoDuration,
  kVideoResolution,
  kRequestId,
  kSessionToken,
  kSessionId,
  kAgentSession,
  kProfile,
  kTraceparent,
  kTracestate,
  kBaggage,
  kPrefer,
  kCount,
};

struct Row {
  std::string_view name;  // lower case
  Fact fact;
  std::uint8_t rank;  // of several names for one fact the lowest wins
};

constexpr std::array kRows = std::to_array<Row>({
    {"x-llm-d-inference-fairness-id", Fact::kFairnessId, 0},
    {"x-gateway-inference-fairness-id", Fact::kFairnessId, 1},
    {"x-llm-d-inference-objective", Fact::kObjective, 0},
    {"x-gateway-inference-objective", Fact::kObjective, 1},
    {"x-llm-d-model-name-rewrite", Fact::kModelRewrite, 0},
    {"x-gateway-model-name-rewrite", Fact::kModelRewrite, 1},
    {"x-llm-d-slo-ttft-ms", Fact::kSloTtft, 0},
    {"x-slo-ttft-ms", Fact::kSloTtft, 1},
    {"x-llm-d-slo-tpot-ms", Fact::kSloTpot, 0},
    {"x-slo-tpot-ms", Fact::kSloTpot, 1},
    {"x-llm-d-video-fps", Fact::kVideoFps, 0},
    {"x-llm-d-video-duration-seconds", Fact::kVideoDuration, 0},
    {"x-llm-d-video-resolution", Fact::kVideoResolution, 0},
    {"x-request-id", Fact::kRequestId, 0},
    {"x-session-token", Fact::kSessionToken, 0},
    {"x-session-id", Fact::kSessionId, 0},
    {"x-claude-code-session-id", Fact::kAgentSession, 0},
    {"x-session-affinity", Fact::kAgentSession, 1},
    {"session-id", Fact::kAgentSession, 2},
    {"session_id", Fact::kAgentSession, 3},
    {"epp-profile", Fact::kProfile, 0},
    {"traceparent", Fact::kTraceparent, 0},
    {"tracestate", Fact::kTracestate, 0},
    {"baggage", Fact::kBaggage, 0},
    {"prefer", Fact::kPrefer, 0},
});

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_lower(std::string_view any_case, std::string_view lower_case) {
  if (any_case.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < any_case.size(); ++i) {
    if (lower(any_case[i]) != lower_case[i]) return false;
  }
  return true;
}

const Row* find_row(std::string_view name) {
  if (name.empty()) return nullptr;
  switch (lower(name.front())) {  // most names of a request end here
    case 'b':
    case 'c':
    case 'e':
    case 'p':
    case 's':
    case 't':
    case 'x':
      break;
    default:
      return nullptr;
  }
  for (const Row& row : kRows) {
    if (equals_lower(name, row.name)) return &row;
  }
  return nullptr;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// 0 unless the whole text is a finite positive number.
double positive_number(std::string_view text) {
  text = trim(text);
  if (text.empty()) return 0;  // as most are
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(value) && value > 0 ? value : 0;
}

// "respond-async, if-available; wait=10"
bool has_preference(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    if (equals_lower(trim(item.substr(0, item.find(';'))), token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

Duration parse_slo_ms(std::string_view value) {
  constexpr double kDayMs = 24.0 * 3600 * 1000;
  const double ms = positive_number(value);
  if (ms <= 0 || ms > kDayMs) return {};
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
}

RequestFacts request_facts_from_headers(std::span<const HeaderView> headers) {
  struct Best {
    std::string_view value;
    std::uint8_t rank = UINT8_MAX;
  };
  std::array<Best, static_cast<std::size_t>(Fact::kCount)> best{};
  bool prefer = false;
  for (const HeaderView& header : headers) {
    const Row* row = find_row(header.name);
    if (row == nullptr) continue;
    const std::string_view value = trim(header.value);
    if (row->fact == Fact::kPrefer) prefer = prefer || has_preference(value, "if-available");
    Best& slot = best[static_cast<std::size_t>(row->fact)];
    if (!value.empty() && row->rank < slot.rank) slot = {value, row->rank};
  }
  const auto text = [&best](Fact fact) { return best[static_cast<std::size_t>(fact)].value; };
  RequestFacts facts;
  facts.fairness_id = text(Fact::kFairnessId);
  facts.objective = text(Fact::kObjective);
  facts.model_rewrite = text(Fact::kModelRewrite);
  facts.slo_ttft = parse_slo_ms(text(Fact::kSloTtft));
  facts.slo_tpot = parse_slo_ms(text(Fact::kSloTpot));
  facts.video_fps = positive_number(text(Fact::kVideoFps));
  facts.video_duration_seconds = positive_number(text(Fact::kVideoDuration));
  facts.video_resolution = text(Fact::kVideoResolution);
  facts.request_id = text(Fact::kRequestId);
  facts.session_token = text(Fact::kSessionToken);
  facts.session_id = text(Fact::kSessionId);
  facts.agent_session = text(Fact::kAgentSession);
  facts.profile = text(Fact::kProfile);
  facts.traceparent = text(Fact::kTraceparent);
  facts.tracestate = text(Fact::kTracestate);
  facts.baggage = text(Fact::kBaggage);
  facts.prefer_if_available = prefer;
  return facts;
}

bool is_system_owned(std::string_view name) {
  return openai::is_picker_header(name) || equals_lower(name, "content-length");
}

}  // namespace nacelle::router::objective
