#include "serve/answers/chat_answer.h"

#include <utility>

#include "serve/http/call.h"

namespace nacelle::serve {
namespace {

// A continued message keeps its own role.
std::string answer_role(const ServerState& state, const openai::ChatRequest& request) {
  if (request.prompt.add_generation_prompt) return state.config.response_role;
  return request.prompt.messages.back()["role"].get<std::string>();
}

std::string echoed_text(const openai::ChatRequest& request, const std::string& role) {
  if (!request.common.echo) return {};
  const auto& last = request.prompt.messages.back();
  if (last["role"] != role || !last.contains("content") || !last["content"].is_string()) return {};
  return last["content"].get<std::string>();
}

std::string make_tool_call_id() { return "chatcmpl-tool-" + random_hex_id(); }

}  // namespace

ChatAnswer::ChatAnswer(const ServerState& state, const GenerationPlan& plan,
                       const openai::ChatRequest& request, openai::AnswerHead head)
    : Answer(state, plan, request.common, request.sampling, std::move(head)),
      request_(request),
      role_(answer_role(state, request)),
      echoed_(echoed_text(request, role_)),
      writer_(head_) {
  if (request.tool_choice != openai::ToolChoice::kAuto) return;
  for (std::size_t i = 0; i < num_choices(); ++i) parsers_.emplace_back(&make_tool_call_id);
}

std::optional<openai::ChatLogprobs> ChatAnswer::chat_logprobs(const OutputDelta& delta) const {
  if (!request_.logprobs) return std::nullopt;
  const TokenNamer namer = token_namer();
  openai::ChatLogprobs out;
  out.reserve(delta.logprobs.size());
  for (const auto& position : delta.logprobs) {
    out.push_back(chat_logprob(position, request_.top_logprobs, namer));
  }
  return out;
}

// All choices open together, once the first output of any is there.
void ChatAnswer::append_roles(std::string& out) {
  if (std::exchange(roles_sent_, true)) return;
  openai::PromptEcho prompt;
  if (return_token_ids_) prompt.token_ids = plan_.prompts[0].tokens;
  if (request_.return_prompt_text) prompt.text = plan_.prompts[0].text;
  const openai::Usage usage{
      .prompt_tokens = plan_.num_prompt_tokens(), .completion_tokens = 0, .cached_tokens = {}};
  const openai::Usage* shown = usage_.in_every_chunk ? &usage : nullptr;
  for (std::size_t i = 0; i < num_choices(); ++i) {
    writer_.append_role(out, static_cast<std::int64_t>(i), role_, prompt, shown);
  }
  if (echoed_.empty()) return;
  for (std::size_t i = 0; i < num_choices(); ++i) {
    openai::ChatDelta delta{.index = static_cast<std::int64_t>(i), .content = echoed_};
    writer_.append_delta(out, delta, shown, false);
  }
}

bool ChatAnswer::is_silent(const openai::ChatDelta& delta) const {
  return !delta.content && delta.tool_calls.empty() && !delta.finish_reason && !return_token_ids_;
}

void ChatAnswer::append_choice(std::string& out, std::size_t choice, OutputDelta delta) {
  append_roles(out);
  openai::ChatDelta chunk{.index = static_cast<std::int64_t>(choice)};
  chunk.logprobs = chat_logprobs(delta);
  if (return_token_ids_) chunk.token_ids = std::move(delta.tokens);
  if (delta.finished()) {
    chunk.finish_reason = finish_name(delta.finish);
    chunk.stop_reason = std::move(delta.stop_reason);
  }
  if (parses_tools()) {
    HermesParser& parser = parsers_[choice];
    ToolText parsed = parser.feed(delta.text);
    if (delta.finished()) parsed.append(parser.finish());
    if (!parsed.content.empty()) chunk.content = std::move(parsed.content);
    for (auto& call : parsed.calls) {
      if (request_.parallel_tool_calls || call.index == 0) {
        chunk.tool_calls.push_back(std::move(call));
      }
    }
    if (delta.finished() && parser.num_calls() > 0) chunk.finish_reason = "tool_calls";
    if (is_silent(chunk)) return;
  } else {
    chunk.content = std::move(delta.text);
  }
  const openai::Usage usage = running_usage(choice);
  writer_.append_delta(out, chunk, usage_.in_every_chunk ? &usage : nullptr,
                       chunk.finish_reason && !usage_.at_end);
}

void ChatAnswer::append_usage_chunk(std::string& out, const openai::Usage& usage) {
  writer_.append_usage(out, usage);
}

openai::ChatChoice ChatAnswer::make_choice(std::size_t choice) {
  OutputDelta delta = reader(choice).take();
  openai::ChatChoice out{.index = static_cast<std::int64_t>(choice)};
  out.logprobs = chat_logprobs(delta);
  out.finish_reason = finish_name(delta.finish);
  out.stop_reason = std::move(delta.stop_reason);
  if (return_token_ids_) out.token_ids = std::move(delta.tokens);
  out.message.role = role_;
  if (parses_tools()) {
    ParsedTools parsed = parse_hermes(delta.text, &make_tool_call_id);
    if (!parsed.calls.empty()) {
      if (!request_.parallel_tool_calls) parsed.calls.resize(1);
      if (!parsed.content.empty()) out.message.content = echoed_ + parsed.content;
      out.message.tool_calls = std::move(parsed.calls);
      out.finish_reason = "tool_calls";
      return out;
    }
  }
  out.message.content = echoed_ + delta.text;
  return out;
}

std::string ChatAnswer::body() {
  openai::ChatResponse response{.head = head_, .choices = {}, .usage = total_usage()};
  for (std::size_t i = 0; i < num_choices(); ++i) response.choices.push_back(make_choice(i));
  if (request_.sampling.prompt_logprobs) {
    response.prompt_logprobs = prompt_logprobs(reader(0).prompt_logprobs(), token_namer());
  }
  if (return_token_ids_) response.prompt_token_ids = plan_.prompts[0].tokens;
  if (request_.return_prompt_text) response.prompt_text = plan_.prompts[0].text;
  return openai::to_json(response);
}

}  // namespace nacelle::serve
