#include "serve/endpoints/generate.h"

#include "telemetry/log.h"

namespace nacelle::serve {

openai::AnswerHead make_head(const ServerState& state, const Call& call, std::string_view prefix,
                             const openai::RequestFields& fields) {
  std::string id = call.client_request_id();
  if (id.empty() && fields.request_id) id = *fields.request_id;
  if (id.empty()) id = random_hex_id();
  return {.id = fmt::format("{}{}", prefix, id),
          .created = unix_seconds(),
          .model = state.config.served_model_names.front(),
          .system_fingerprint = state.config.system_fingerprint};
}

void log_generation(const ServerState& state, const openai::AnswerHead& head,
                    const GenerationPlan& plan, const openai::RequestFields& fields) {
  if (!state.config.log_requests) return;
  const engine::SamplingParams& params = plan.prompts.front().params;
  log::info("generation", {{"id", openai::excerpt(head.id)},
                           {"prompts", plan.prompts.size()},
                           {"n", plan.choices_per_prompt},
                           {"prompt_tokens", plan.num_prompt_tokens()},
                           {"max_tokens", params.max_tokens},
                           {"temperature", params.temperature},
                           {"stream", fields.stream}});
}

openai::Check check_rank(const Call& call) {
  const std::string_view rank = call.header("x-data-parallel-rank");
  if (rank.empty() || rank == "0") return {};
  return openai::value_error(
      fmt::format("data_parallel_rank {} is out of range [0, 1).", openai::excerpt(rank)),
      "data_parallel_rank");
}

}  // namespace nacelle::serve
