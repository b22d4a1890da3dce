#include "gateway/observe/model_metrics.h"

#include <array>
#include <utility>

namespace nacelle::gateway {
namespace {

const std::vector<double> kTokens = {1,     4,     16,     64,      256,     1024,     4096,
                                     16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
const std::vector<double> kSeconds = {0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                      1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
const std::vector<double> kFirst = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08,
                                    0.1,   0.25,  0.5,  0.75, 1,    2.5,  5,
                                    7.5,   10,    15,   20,   30,   45,   60};
const std::vector<double> kPerToken = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,
                                       0.3,  0.4,   0.5,  0.75,  1,   2.5};

telemetry::LabelNames labels(const char* more = nullptr) {
  telemetry::LabelNames names = {"gen_ai_operation_name", "gen_ai_provider_name",
                                 "gen_ai_original_model", "gen_ai_request_model",
                                 "gen_ai_response_model"};
  if (more != nullptr) names.emplace_back(more);
  return names;
}

}  // namespace

ModelFamilies::ModelFamilies(telemetry::Metrics& metrics)
    : tokens(metrics.histogram("gen_ai_client_token_usage", "Tokens of a request.", kTokens,
                               labels("gen_ai_token_type"))),
      duration(metrics.histogram("gen_ai_server_request_duration_seconds",
                                 "Duration of requests to models.", kSeconds,
                                 labels("error_type"))),
      first(metrics.histogram("gen_ai_server_time_to_first_token_seconds",
                              "Request to the first piece of a stream.", kFirst, labels())),
      per_token(metrics.histogram("gen_ai_server_time_per_output_token_seconds",
                                  "Time per token after the first one.", kPerToken, labels())) {}

std::string_view operation_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kOperations = {
      {{"/v1/chat/completions", "chat"},
       {"/v1/completions", "completion"},
       {"/v1/embeddings", "embeddings"},
       {"/v1/messages", "messages"},
       {"/v1/messages/count_tokens", "count_tokens"},
       {"/v1/responses", "responses"},
       {"/v1/responses/input_tokens", "responses_input_tokens"},
       {"/v1/images/generations", "image_generation"},
       {"/v1/audio/speech", "speech"},
       {"/v1/audio/transcriptions", "transcription"},
       {"/v1/audio/translations", "translation"},
       {"/v2/rerank", "rerank"},
       {"/tokenize", "tokenize"}}};
  for (const auto& [suffix, operation] : kOperations)
    if (path.ends_with(suffix)) return operation;
  return {};
}

ModelMetrics::Handles ModelMetrics::make(const telemetry::LabelValues& values, bool failed) {
  const auto with = [&](const char* more) {
    telemetry::LabelValues all = values;
    all.emplace_back(more);
    return all;
  };
  return {families_.duration.with(with(failed ? "_OTHER" : "")),
          families_.first.with(values),
          families_.per_token.with(values),
          families_.tokens.with(with("input")),
          families_.tokens.with(with("cached_input")),
          families_.tokens.with(with("cache_creation_input")),
          families_.tokens.with(with("output")),
          families_.tokens.with(with("reasoning"))};
}

void ModelMetrics::record(const ExchangeRecord& r, std::string_view operation) {
  const auto known = [](std::string_view text) { return text.empty() ? "unknown" : text; };
  const bool failed = r.status == 0 || r.status >= 400;
  const std::array<std::string_view, 5> values = {
      known(operation), known(r.provider), known(r.model),
      known(r.upstream_model.empty() ? r.model : r.upstream_model), known(r.response_model)};
  thread_local std::string key;
  key.assign(1, failed ? '1' : '0');
  for (const std::string_view value : values) key.append(value).append(1, '\0');
  auto found = kept_.find(key);
  if (found == kept_.end()) {
    if (kept_.size() >= kMaxKept) kept_.clear();
    found = kept_.emplace(key, make({values.begin(), values.end()}, failed)).first;
  }
  const Handles& handles = found->second;
  handles.duration.observe(to_seconds(r.ended - r.started));
  if (failed) return;
  const bool began = r.first_byte != TimePoint{};
  if (r.streamed && began) handles.first.observe(to_seconds(r.first_byte - r.started));
  if (!r.tokens) return;
  handles.input.observe(static_cast<double>(r.tokens->input));
  handles.output.observe(static_cast<double>(r.tokens->output));
  if (r.tokens->cached_input > 0)
    handles.cached_input.observe(static_cast<double>(r.tokens->cached_input));
  if (r.tokens->cache_creation > 0)
    handles.cache_creation.observe(static_cast<double>(r.tokens->cache_creation));
  if (r.tokens->reasoning > 0) handles.reasoning.observe(static_cast<double>(r.tokens->reasoning));
  if (r.tokens->output > 1 && began) {
    handles.per_token.observe(to_seconds(r.ended - r.first_byte) /
                              static_cast<double>(r.tokens->output - 1));
  }
}

}  // namespace nacelle::gateway
