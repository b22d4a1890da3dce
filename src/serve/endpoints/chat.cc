// POST /v1/chat/completions.
#include "serve/answers/chat_answer.h"
#include "serve/endpoints/endpoints.h"
#include "serve/endpoints/generate.h"
#include "serve/prompt/chat_plan.h"

namespace nacelle::serve {
namespace {

struct ChatKind {
  using Request = openai::ChatRequest;
  using Answer = ChatAnswer;
  static constexpr std::string_view kIdPrefix = "chatcmpl-";

  static openai::Parsed<Request> parse(const ServerState& state, std::string_view body) {
    auto request = openai::parse_chat_request(body, state.sampling_limits(), state.chat_policy());
    // Some models mark the tags around tool calls as special tokens; the parser needs to see them.
    if (request && request->tool_choice == openai::ToolChoice::kAuto) {
      request->sampling.skip_special_tokens = false;
    }
    return request;
  }
  static std::size_t num_prompts(const Request&) { return 1; }
  static openai::Parsed<GenerationPlan> plan(const ServerState& state, const Request& request) {
    return plan_chat(state, request);
  }
};

}  // namespace

async::Task<void> post_chat_completions(ServerState& state, Call& call) {
  return generate<ChatKind>(state, call);
}

}  // namespace nacelle::serve
