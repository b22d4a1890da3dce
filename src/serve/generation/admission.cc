#include "serve/generation/admission.h"

namespace nacelle::serve {

openai::Parsed<engine::Engine::Admission> admit(ServerState& state, std::int64_t n,
                                                std::size_t num_prompts) {
  const std::int64_t limit = state.config.max_sequences_per_request;
  const auto prompts = static_cast<std::int64_t>(num_prompts);
  // n and the number of prompts are bounded by the parsers, so the product fits.
  if (n * prompts > limit) {
    return openai::value_error(
        fmt::format("n x prompts is {} x {} sequences, at most {} are accepted in one request.", n,
                    prompts, limit),
        "n");
  }
  if (state.draining) {
    state.http_metrics.count_rejection(Rejection::kDraining);
    return openai::from_status(unavailable("The server is shutting down."));
  }
  Result<engine::Engine::Admission> places =
      state.parts.engine.admit(static_cast<std::uint32_t>(n * prompts));
  if (places.ok()) return std::move(places).value();
  if (places.error().code() == Code::kResourceExhausted) {
    state.http_metrics.count_rejection(Rejection::kQueueFull);
  }
  return openai::from_status(places.error());
}

openai::Error work_pool_error(ServerState& state, const Status& status) {
  if (status.code() == Code::kResourceExhausted) {
    state.http_metrics.count_rejection(Rejection::kWorkPoolFull);
  }
  return openai::from_status(status);
}

}  // namespace nacelle::serve
