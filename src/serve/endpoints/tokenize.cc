// POST /tokenize, POST /detokenize.
#include "openai/tokenize.h"

#include "serve/endpoints/endpoints.h"
#include "serve/generation/admission.h"
#include "serve/prompt/chat_plan.h"
#include "serve/prompt/prompt_tokens.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve {
namespace {

using TokenIds = std::vector<TokenId>;

openai::Parsed<TokenIds> tokenize_input(const ServerState& state,
                                        const openai::TokenizeRequest& request) {
  if (const auto* text = std::get_if<std::string>(&request.input)) {
    return state.parts.tokenizer->encode(*text, {.add_special_tokens = request.add_special_tokens});
  }
  const auto& conversation = std::get<openai::TemplateFields>(request.input);
  auto text = render_prompt(state, conversation, openai::ToolChoice::kAuto);
  if (!text) return text.error();
  return state.parts.tokenizer->encode(*text,
                                       {.add_special_tokens = conversation.add_special_tokens});
}

// The whole request on the work pool: parsing, templating and tokenising may all be long.
openai::Parsed<std::string> tokenize(const ServerState& state, const std::string& body) {
  auto request = openai::parse_tokenize_request(body, state.chat_policy());
  if (!request) return request.error();
  if (openai::Check bad = state.check_model(request->model)) return *bad;
  auto tokens = tokenize_input(state, *request);
  if (!tokens) return tokens.error();

  openai::TokenizeResponse response{.max_model_len = state.config.max_model_len,
                                    .tokens = std::move(tokens).value(),
                                    .token_strs = {}};
  if (request->return_token_strs) {
    auto& strings = response.token_strs.emplace();
    for (const TokenId id : response.tokens) {
      strings.emplace_back(state.parts.tokenizer->id_to_token(id).value_or(""));
    }
  }
  return openai::to_json(response);
}

openai::Parsed<std::string> detokenize(const ServerState& state, const std::string& body) {
  auto request = openai::parse_detokenize_request(body);
  if (!request) return request.error();
  if (openai::Check bad = state.check_model(request->model)) return *bad;
  auto tokens = check_token_ids(state, request->tokens, "tokens");
  if (!tokens) return tokens.error();
  return openai::detokenize_json(
      state.parts.tokenizer->decode(*tokens, {.skip_special_tokens = false}));
}

using Work = openai::Parsed<std::string> (*)(const ServerState&, const std::string&);

async::Task<void> answer_on_work_pool(ServerState& state, Call& call, Work work) {
  openai::Parsed<std::string> body = co_await call.read_json_body();
  if (!body) {
    co_await call.reply_error(body.error());
    co_return;
  }
  auto job = [&state, work, text = std::move(body).value()] { return work(state, text); };
  Result<openai::Parsed<std::string>> answer = co_await state.parts.work_pool.run(std::move(job));
  if (!answer.ok()) {
    openai::Error error = work_pool_error(state, answer.error());
    co_await call.reply_error(std::move(error));
  } else if (!answer->ok()) {
    openai::Error error = answer->error();
    co_await call.reply_error(std::move(error));
  } else {
    std::string json = std::move(*answer).value();
    co_await call.reply_json(std::move(json));
  }
}

}  // namespace

async::Task<void> post_tokenize(ServerState& state, Call& call) {
  return answer_on_work_pool(state, call, &tokenize);
}

async::Task<void> post_detokenize(ServerState& state, Call& call) {
  return answer_on_work_pool(state, call, &detokenize);
}

}  // namespace nacelle::serve
