#include "serve/tools/hermes_parser.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace nacelle::serve {
namespace {

constexpr std::string_view kStartTag = "<tool_call>";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The text of a JSON string; nullopt for any other value.
std::optional<std::string> string_of(const std::string& json) {
  const auto value = nlohmann::json::parse(json, nullptr, false);
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

}  // namespace

void ToolText::add(openai::ToolCallDelta delta) {
  if (calls.empty() || calls.back().index != delta.index || delta.name) {
    calls.push_back(std::move(delta));
    return;
  }
  auto& arguments = calls.back().arguments;
  arguments = arguments.value_or("") + delta.arguments.value_or("");
}

void ToolText::append(ToolText more) {
  content += more.content;
  for (auto& call : more.calls) add(std::move(call));
}

ToolText HermesParser::feed(std::string_view text) {
  ToolText out;
  for (const char c : text) take(c, out);
  if (has_name_) send_arguments(out);
  return out;
}

ToolText HermesParser::finish() {
  ToolText out;
  if (state_ == State::kContent) {
    out.content = std::exchange(held_, {});
  } else if (state_ != State::kBetween) {
    give_up(out);
    out.content += std::exchange(held_, {});
  }
  return out;
}

void HermesParser::take(char c, ToolText& out) {
  if (state_ == State::kContent || state_ == State::kBetween) {
    take_outside(c, out);
    return;
  }
  if (!has_name_) raw_ += c;
  switch (state_) {
    case State::kKeyText:
      take_key(c, out);
      return;
    case State::kValue:
      take_value(c, out);
      return;
    default:
      if (!is_space(c)) take_structure(c, out);
  }
}

void HermesParser::take_outside(char c, ToolText& out) {
  held_ += c;
  if (held_ == kStartTag) {
    held_.clear();
    begin_call();
    return;
  }
  // No proper suffix of the tag is a prefix of it but "<": what does not go on may begin with one.
  if (kStartTag.starts_with(held_)) return;
  const bool restart = c == kStartTag[0];
  if (restart) held_.pop_back();
  if (state_ == State::kContent) out.content += held_;
  held_ = restart ? std::string(1, c) : std::string();
}

void HermesParser::begin_call() {
  state_ = State::kOpen;
  raw_ = kStartTag;
  has_name_ = has_arguments_ = false;
  arguments_.clear();
}

void HermesParser::take_structure(char c, ToolText& out) {
  switch (state_) {
    case State::kOpen:
      if (c != '{') break;
      state_ = State::kKey;
      return;
    case State::kKey:
      if (c == '}') {
        end_call(out);
        return;
      }
      if (c != '"') break;
      key_.clear();
      reflow_ = {};
      (void)reflow_.feed(c, key_);
      state_ = State::kKeyText;
      return;
    case State::kColon:
      if (c != ':') break;
      value_.clear();
      reflow_ = {};
      state_ = State::kValue;
      return;
    case State::kComma:
      if (c == '}') {
        end_call(out);
        return;
      }
      if (c != ',') break;
      state_ = State::kKey;
      return;
    default:
      break;
  }
  give_up(out);
}

void HermesParser::take_key(char c, ToolText& out) {
  switch (reflow_.feed(c, key_)) {
    case JsonReflow::Step::kTaken:
      return;
    case JsonReflow::Step::kComplete:
      break;
    default:
      give_up(out);
      return;
  }
  const auto name = string_of(key_);
  if (!name) {
    give_up(out);
    return;
  }
  key_ = *name;
  state_ = State::kColon;
}

void HermesParser::take_value(char c, ToolText& out) {
  const bool is_arguments = key_ == "arguments" || key_ == "parameters";
  const JsonReflow::Step step = reflow_.feed(c, is_arguments ? arguments_ : value_);
  if (step == JsonReflow::Step::kMalformed) {
    give_up(out);
    return;
  }
  if (step == JsonReflow::Step::kTaken) return;
  end_value(out);
  if (step == JsonReflow::Step::kEndsBefore && state_ == State::kComma && !is_space(c)) {
    take_structure(c, out);
  }
}

void HermesParser::end_value(ToolText& out) {
  state_ = State::kComma;
  if (key_ == "arguments" || key_ == "parameters") {
    has_arguments_ = true;
    return;
  }
  if (key_ != "name" || has_name_) return;
  auto name = string_of(value_);
  if (!name || name->empty()) {
    give_up(out);
    return;
  }
  has_name_ = true;
  content_open_ = false;
  raw_.clear();
  out.add({.index = num_calls_++,
           .id = make_id_(),
           .name = std::move(*name),
           .arguments = std::nullopt});
}

void HermesParser::send_arguments(ToolText& out) {
  if (arguments_.empty()) return;
  out.add({.index = num_calls_ - 1,
           .id = std::nullopt,
           .name = std::nullopt,
           .arguments = std::exchange(arguments_, {})});
}

void HermesParser::end_call(ToolText& out) {
  if (!has_name_ || !has_arguments_) {
    give_up(out);
    return;
  }
  send_arguments(out);
  has_name_ = false;
  state_ = State::kBetween;
}

void HermesParser::give_up(ToolText& out) {
  broken_ = true;
  if (has_name_) {
    // The name has gone out: keep what came of the arguments, drop the rest of the call.
    send_arguments(out);
    has_name_ = false;
    state_ = State::kBetween;
    return;
  }
  if (content_open_) out.content += raw_;
  raw_.clear();
  state_ = content_open_ ? State::kContent : State::kBetween;
}

ParsedTools parse_hermes(std::string_view text, const HermesParser::MakeId& make_id) {
  HermesParser parser(make_id);
  ToolText all = parser.feed(text);
  all.append(parser.finish());
  ParsedTools out;
  if (parser.broken()) {
    out.content = text;
    return out;
  }
  out.content = std::move(all.content);
  for (auto& delta : all.calls) {
    if (delta.name) out.calls.push_back({*delta.id, std::move(*delta.name), ""});
    out.calls.back().arguments += delta.arguments.value_or("");
  }
  return out;
}

}  // namespace nacelle::serve
