#include "serve/answers/completion_answer.h"

namespace nacelle::serve {

CompletionAnswer::CompletionAnswer(const ServerState& state, const GenerationPlan& plan,
                                   const openai::CompletionRequest& request,
                                   openai::AnswerHead head)
    : Answer(state, plan, request.common, request.sampling, std::move(head)),
      request_(request),
      writer_(head_),
      begun_(plan.num_choices(), false) {
  if (!request.logprobs) return;
  logprobs_.assign(num_choices(), CompletionLogprobBuilder(token_namer(), *request.logprobs));
}

void CompletionAnswer::add_prompt_logprobs(std::size_t choice) {
  const auto& prompt = plan_.prompt_of(choice).tokens;
  const auto& positions = reader(choice).prompt_logprobs();
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    if (i < positions.size() && !positions[i].tokens.empty()) {
      logprobs_[choice].add(positions[i]);
    } else {
      logprobs_[choice].add_unpredicted(prompt[i]);
    }
  }
}

openai::CompletionChoice CompletionAnswer::make_choice(std::size_t choice, OutputDelta delta) {
  const PlannedPrompt& prompt = plan_.prompt_of(choice);
  openai::CompletionChoice out{.index = static_cast<std::int64_t>(choice)};
  const bool first = !begun_[choice];
  begun_[choice] = true;

  if (first && request_.common.echo) {
    out.text = prompt.text;
    if (request_.logprobs) add_prompt_logprobs(choice);
  }
  if (!request_.echo_only) {
    out.text += delta.text;
    if (request_.logprobs) {
      for (const auto& position : delta.logprobs) logprobs_[choice].add(position);
    }
  }
  if (request_.logprobs) out.logprobs = logprobs_[choice].take();
  if (return_token_ids_) {
    out.token_ids = std::move(delta.tokens);
    if (first) out.prompt_token_ids = prompt.tokens;
  }
  if (delta.finished()) {
    out.finish_reason = finish_name(delta.finish);
    out.stop_reason = std::move(delta.stop_reason);
  }
  return out;
}

void CompletionAnswer::append_choice(std::string& out, std::size_t choice, OutputDelta delta) {
  const bool last = delta.finished();
  const openai::Usage usage = running_usage(choice);
  writer_.append_choice(out, make_choice(choice, std::move(delta)),
                        usage_.in_every_chunk ? &usage : nullptr, last && !usage_.at_end);
}

void CompletionAnswer::append_usage_chunk(std::string& out, const openai::Usage& usage) {
  writer_.append_usage(out, usage);
}

std::string CompletionAnswer::body() {
  openai::CompletionResponse response{.head = head_, .choices = {}, .usage = total_usage()};
  response.choices.reserve(num_choices());
  for (std::size_t choice = 0; choice < num_choices(); ++choice) {
    openai::CompletionChoice& out =
        response.choices.emplace_back(make_choice(choice, reader(choice).take()));
    if (request_.sampling.prompt_logprobs) {
      out.prompt_logprobs = prompt_logprobs(reader(choice).prompt_logprobs(), token_namer());
    }
  }
  return openai::to_json(response);
}

}  // namespace nacelle::serve
