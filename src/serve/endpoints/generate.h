// generate.h: the way of a generation request, the same for completions and chat:
// read, parse, check the model, admit, plan on the work pool, run.
//
// `Kind` says what differs:
//   Request, Answer, kIdPrefix
//   static Parsed<Request> parse(const ServerState&, std::string_view body);
//   static std::size_t num_prompts(const Request&);
//   static Parsed<GenerationPlan> plan(const ServerState&, const Request&);   on the work pool
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "serve/generation/admission.h"
#include "serve/generation/generation.h"
#include "serve/generation/plan.h"
#include "serve/generation/resume.h"
#include "serve/generation/run.h"
#include "serve/http/call.h"
#include "serve/server_state.h"

namespace nacelle::serve {

// Bodies above this are parsed on the work pool: about a tenth of a millisecond of parsing.
inline constexpr std::size_t kParseOnLoopBytes = 64 * 1024;

template <class Kind>
async::Task<openai::Parsed<std::shared_ptr<typename Kind::Request>>> parse_generation_body(
    ServerState& state, std::string body) {
  using Request = typename Kind::Request;
  using Shared = std::shared_ptr<Request>;
  const auto parse = [&state](const std::string& text) -> openai::Parsed<Shared> {
    auto request = Kind::parse(state, text);
    if (!request) return request.error();
    return std::make_shared<Request>(std::move(request).value());
  };
  if (body.size() <= kParseOnLoopBytes) co_return parse(body);
  auto job = [parse, text = std::move(body)] { return parse(text); };
  Result<openai::Parsed<Shared>> parsed = co_await state.parts.work_pool.run(std::move(job));
  if (!parsed.ok()) co_return work_pool_error(state, parsed.error());
  co_return std::move(parsed).value();
}

struct PlannedGeneration {
  GenerationPlan plan;
  std::vector<engine::Request> requests;  // one per choice
};

// On the work pool. The requests are made here too: each choice has its own copy of the prompt, and
// 128 choices of 44,000 tokens are 22 MB.
template <class Kind>
openai::Parsed<PlannedGeneration> plan_generation(const ServerState& state,
                                                  const typename Kind::Request& request,
                                                  TimePoint arrival) {
  openai::Parsed<GenerationPlan> plan = Kind::plan(state, request);
  if (!plan) return plan.error();
  std::vector<engine::Request> requests = plan->engine_requests(request.common, arrival);
  return PlannedGeneration{.plan = std::move(plan).value(), .requests = std::move(requests)};
}

// "<prefix><id>": the header's id wins over the body's, and replaces the random part.
[[nodiscard]] openai::AnswerHead make_head(const ServerState& state, const Call& call,
                                           std::string_view prefix,
                                           const openai::RequestFields& fields);

// One line per request, without its text, when the operator asks for it.
void log_generation(const ServerState& state, const openai::AnswerHead& head,
                    const GenerationPlan& plan, const openai::RequestFields& fields);

// 400 for X-data-parallel-rank of an engine that is not here.
[[nodiscard]] openai::Check check_rank(const Call& call);

// GCC 12 inlines one half of the coroutine frame's allocation and then finds the halves unlike.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

template <class Kind>
async::Task<openai::Check> try_generate(ServerState& state, Call& call) {
  if (openai::Check bad = check_rank(call)) co_return bad;
  openai::Parsed<std::string> body = co_await call.read_json_body();
  if (!body) co_return body.error();
  auto parsed = co_await parse_generation_body<Kind>(state, std::move(body).value());
  if (!parsed) co_return parsed.error();
  const std::shared_ptr<typename Kind::Request> request = std::move(parsed).value();
  if (openai::Check bad = state.check_model(request->common.model)) co_return bad;

  // From here a place in the queue is held: templates and tokens cost only those who have one.
  auto admission = admit(state, request->sampling.n, Kind::num_prompts(*request));
  if (!admission) co_return admission.error();
  state.http_metrics.observe_choices(request->sampling.n);

  auto job = [&state, request, arrival = call.arrival()] {
    return plan_generation<Kind>(state, *request, arrival);
  };
  Result<openai::Parsed<PlannedGeneration>> planned =
      co_await state.parts.work_pool.run(std::move(job));
  if (!planned.ok()) co_return work_pool_error(state, planned.error());
  if (!planned->ok()) co_return planned->error();
  if (call.exchange().client_gone()) co_return std::nullopt;
  const GenerationPlan& plan = (*planned)->plan;

  openai::AnswerHead head = make_head(state, call, Kind::kIdPrefix, request->common);
  std::vector<engine::Request> requests = std::move((*planned)->requests);
  if (openai::Check bad = prepare_resume(call, state.config, request->common, requests, head)) {
    co_return bad;
  }
  log_generation(state, head, plan, request->common);
  typename Kind::Answer answer(state, plan, *request, std::move(head));
  if (openai::Check bad = begin_resume(call, request->common, requests.size(), answer)) {
    co_return bad;
  }
  Generation generation(state.parts.engine, call.exchange());
  const AnswerForm form = request->common.stream ? AnswerForm::kStream : AnswerForm::kWhole;
  co_await run_generation(call, generation, answer, std::move(requests),
                          std::move(admission).value(), form);
  co_return std::nullopt;
}

template <class Kind>
async::Task<void> generate(ServerState& state, Call& call) {
  const LoadGuard load(state);
  openai::Check failure = co_await try_generate<Kind>(state, call);
  if (!failure) co_return;
  openai::Error error = std::move(*failure);
  co_await call.reply_error(std::move(error));
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace nacelle::serve
