// outcome.h: how a request's stay in flow control ended, and what a refused client is told.
//
// Home:    values.
// Source:  router.md sections 2.6 and 12.5.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::router::flow {

enum class Outcome {
  kDispatched,
  kRejectedCapacity,
  kRejectedNoEndpoints,
  kRejectedShutdown,
  kEvictedTtl,
  kEvictedNoEndpoints,
  kEvictedCancelled,  // the client left
  kEvictedOther,
  kEvictedInFlight,  // revoked after dispatch
};

struct OutcomeFacts {
  std::string_view label;          // of metrics
  int http_status;                 // 200 when there is no refusal
  std::string_view code;           // as in "inference error: <code> - <message>"
  std::string_view reason_header;  // value of x-llm-d-request-dropped-reason, "" for none
};

inline constexpr std::string_view kDroppedReasonHeader = "x-llm-d-request-dropped-reason";

[[nodiscard]] const OutcomeFacts& facts_of(Outcome outcome);

// What the client gets instead of an answer.
struct Refusal {
  Outcome outcome = Outcome::kEvictedOther;
  std::string message;

  [[nodiscard]] int http_status() const { return facts_of(outcome).http_status; }
  [[nodiscard]] std::string_view reason_header() const { return facts_of(outcome).reason_header; }
  // "inference error: ResourceExhausted - ..."; an in-flight eviction has a text of its own.
  [[nodiscard]] std::string body() const;
};

}  // namespace nacelle::router::flow
