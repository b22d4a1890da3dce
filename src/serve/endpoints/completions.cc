// POST /v1/completions.
#include "serve/answers/completion_answer.h"
#include "serve/endpoints/endpoints.h"
#include "serve/endpoints/generate.h"
#include "serve/prompt/completion_plan.h"

namespace nacelle::serve {
namespace {

struct CompletionKind {
  using Request = openai::CompletionRequest;
  using Answer = CompletionAnswer;
  static constexpr std::string_view kIdPrefix = "cmpl-";

  static openai::Parsed<Request> parse(const ServerState& state, std::string_view body) {
    return openai::parse_completion_request(body, state.sampling_limits());
  }
  static std::size_t num_prompts(const Request& request) { return request.prompts.size(); }
  static openai::Parsed<GenerationPlan> plan(const ServerState& state, const Request& request) {
    return plan_completion(state, request);
  }
};

}  // namespace

async::Task<void> post_completions(ServerState& state, Call& call) {
  return generate<CompletionKind>(state, call);
}

}  // namespace nacelle::serve
