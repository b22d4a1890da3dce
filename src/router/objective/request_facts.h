// request_facts.h: what a request's headers say to the router, and which headers are the router's
// own.
//
// One table names every header and its deprecated alias; the current name wins wherever it stands,
// and of one name the first value that is not empty. Values a client got wrong (an SLO that is no
// positive number) count as absent: they are hints and never a reason to refuse.
//
// Home:    pure; the views live as long as the headers.
// Source:  router.md sections 5.1 and 5.3.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace nacelle::router::objective {

inline constexpr std::string_view kDefaultFairnessId = "default-flow";

struct HeaderView {
  std::string_view name;  // any case
  std::string_view value;
};

struct RequestFacts {
  std::string_view fairness_id;  // "" when absent, as all text below
  std::string_view objective;
  std::string_view model_rewrite;
  Duration slo_ttft{};  // 0 when absent
  Duration slo_tpot{};
  double video_fps = 0;
  double video_duration_seconds = 0;
  std::string_view video_resolution;
  std::string_view request_id;
  std::string_view session_token;
  std::string_view session_id;
  std::string_view agent_session;  // the first of the agents' own session headers
  std::string_view profile;        // EPP-Profile
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view baggage;
  bool prefer_if_available = false;
};

[[nodiscard]] RequestFacts request_facts_from_headers(std::span<const HeaderView> headers);

// The header (any case) is never passed on from a client, nor from an engine.
[[nodiscard]] bool is_system_owned(std::string_view name);

// A positive number of milliseconds, at most a day; 0 for anything else.
[[nodiscard]] Duration parse_slo_ms(std::string_view value);

// The flow of a request: its header, else the agent's session, else "default-flow".
[[nodiscard]] inline std::string_view fairness_id_of(const RequestFacts& facts,
                                                     bool use_agent_session) {
  if (!facts.fairness_id.empty()) return facts.fairness_id;
  if (use_agent_session && !facts.agent_session.empty()) return facts.agent_session;
  return kDefaultFairnessId;
}

}  // namespace nacelle::router::objective
