// request_fields.h: what every generation request carries beside its prompt and sampling fields.
//
// Source:  engine.md sections 4, 7 and 8.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nacelle::openai {

struct StreamOptions {
  bool include_usage = false;
  bool continuous_usage_stats = false;  // needs include_usage
};

// A stream that another server began and this one goes on with: "nacelle_resume"
// (docs/formats/stream-resume.md).
struct ResumeFields {
  std::string id;                    // of the answer, as the client saw it
  std::int64_t created = 0;          // the same
  std::optional<std::int64_t> seed;  // of the first server's sampling
  std::vector<std::int64_t> tokens;  // that the client has seen
};

struct RequestFields {
  std::optional<std::string> model;  // absent = the base model
  bool stream = false;
  std::optional<StreamOptions> stream_options;
  std::optional<std::string> request_id;  // replaces the random part of the response id
  std::int64_t priority = 0;              // lower runs first
  std::optional<std::string> cache_salt;  // isolates the prefix cache; never empty
  bool return_token_ids = false;
  std::optional<bool> return_tokens_as_token_ids;  // nullopt = the server's default
  bool echo = false;
  std::optional<ResumeFields> resume;  // needs stream
  // Shapes the output to a grammar in ways that are refused for now: "response_format json_schema".
  std::string constraint;
};

}  // namespace nacelle::openai
