#include "provider/chat/answer.h"

namespace nacelle::provider::chat {

Json usage_object(const TokenUsage& usage) {
  Json out{{"prompt_tokens", usage.input},
           {"completion_tokens", usage.output},
           {"total_tokens", usage.total()}};
  if (usage.cached_input > 0 || usage.cache_creation > 0) {
    out["prompt_tokens_details"]["cached_tokens"] = usage.cached_input;
    if (usage.cache_creation > 0) {
      out["prompt_tokens_details"]["cache_creation_input_tokens"] = usage.cache_creation;
    }
  }
  if (usage.reasoning > 0) out["completion_tokens_details"]["reasoning_tokens"] = usage.reasoning;
  return out;
}

void Choice::add_tool_call(std::string id, std::string name, std::string arguments) {
  tool_calls.push_back(
      {{"id", std::move(id)},
       {"type", "function"},
       {"function", {{"name", std::move(name)}, {"arguments", std::move(arguments)}}}});
}

Json completion(const Head& head, const std::vector<Choice>& choices, const TokenUsage& usage) {
  Json list = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Choice& choice = choices[i];
    Json message{{"role", "assistant"}};
    const bool only_calls = choice.text.empty() && !choice.tool_calls.empty();
    message["content"] = only_calls ? Json(nullptr) : Json(choice.text);
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    if (!choice.thinking_blocks.empty()) message["thinking_blocks"] = choice.thinking_blocks;
    if (!choice.tool_calls.empty()) message["tool_calls"] = choice.tool_calls;
    list.push_back({{"index", i},
                    {"message", std::move(message)},
                    {"logprobs", nullptr},
                    {"finish_reason", choice.finish_reason}});
  }
  return {{"id", head.id},       {"object", "chat.completion"}, {"created", head.created},
          {"model", head.model}, {"choices", std::move(list)},  {"usage", usage_object(usage)}};
}

void ChunkWriter::chunk(std::string& out, Json choices, const TokenUsage* usage) {
  Json body{{"id", head_.id},
            {"object", "chat.completion.chunk"},
            {"created", head_.created},
            {"model", head_.model},
            {"choices", std::move(choices)}};
  if (usage != nullptr) body["usage"] = usage_object(*usage);
  out += "data: ";
  out += json::dump(body);
  out += "\n\n";
}

void ChunkWriter::choice_chunk(std::string& out, Json delta, Json finish_reason,
                               std::size_t choice) {
  chunk(out,
        Json::array({{{"index", choice},
                      {"delta", std::move(delta)},
                      {"finish_reason", std::move(finish_reason)}}}),
        nullptr);
}

void ChunkWriter::delta(std::string& out, Json delta, std::size_t choice) {
  if (choice >= has_role_.size()) has_role_.resize(choice + 1);
  if (!has_role_[choice]) {
    has_role_[choice] = true;
    Json with_role{{"role", "assistant"}};
    with_role.update(delta);
    delta = std::move(with_role);
  }
  choice_chunk(out, std::move(delta), nullptr, choice);
}

void ChunkWriter::text(std::string& out, std::string_view text, std::size_t choice) {
  delta(out, {{"content", text}}, choice);
}

void ChunkWriter::reasoning(std::string& out, std::string_view text, std::size_t choice) {
  delta(out, {{"reasoning_content", text}}, choice);
}

void ChunkWriter::tool_call(std::string& out, std::size_t index, std::string_view id,
                            std::string_view name, std::string_view arguments, std::size_t choice) {
  Json call{{"index", index},
            {"id", id},
            {"type", "function"},
            {"function", {{"name", name}, {"arguments", arguments}}}};
  delta(out, {{"tool_calls", Json::array({std::move(call)})}}, choice);
}

void ChunkWriter::tool_arguments(std::string& out, std::size_t index, std::string_view arguments) {
  Json call{{"index", index}, {"function", {{"arguments", arguments}}}};
  delta(out, {{"tool_calls", Json::array({std::move(call)})}});
}

void ChunkWriter::keep_alive(std::string& out) { choice_chunk(out, Json::object(), nullptr, 0); }

void ChunkWriter::finish(std::string& out, std::string_view reason, std::size_t choice) {
  choice_chunk(out, Json::object(), reason, choice);
}

void ChunkWriter::usage_and_done(std::string& out, const TokenUsage& usage) {
  chunk(out, Json::array(), &usage);
  out += "data: [DONE]\n\n";
}

}  // namespace nacelle::provider::chat
