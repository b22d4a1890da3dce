#include "provider/pass_through/body_edit.h"

#include <vector>

#include "openai/json_writer.h"
#include "provider/json/object_scanner.h"

namespace nacelle::provider {

namespace {

using json::Member;
using json::ObjectScanner;

struct Edit {
  std::size_t at = 0;
  std::size_t size = 0;  // bytes that go
  std::string text;      // bytes that come
};

// `edits` are in order and do not overlap.
std::string apply_edits(std::string_view body, const std::vector<Edit>& edits) {
  std::string out;
  std::size_t pos = 0;
  for (const Edit& edit : edits) {
    out.append(body.substr(pos, edit.at - pos)).append(edit.text);
    pos = edit.at + edit.size;
  }
  out.append(body.substr(pos));
  return out;
}

std::size_t offset_in(std::string_view body, std::string_view part) {
  return static_cast<std::size_t>(part.data() - body.data());
}

std::string quoted(std::string_view text) {
  std::string out;
  openai::append_json_string(out, text);
  return out;
}

// `head` is written right after the opening brace of `object`, which is one JSON object.
Edit insert_member(std::string_view body, std::string_view object, std::string head) {
  const std::size_t brace = offset_in(body, object) + object.find('{') + 1;
  const std::size_t next = body.find_first_not_of(" \t\r\n", brace);
  if (next != std::string_view::npos && body[next] != '}') head += ',';
  return {brace, 0, std::move(head)};
}

bool include_usage_of(std::string_view options) {
  bool out = false;
  ObjectScanner scanner(options);
  while (const auto member = scanner.next()) {
    if (json::key_is(member->key, "include_usage")) out = member->value == "true";
  }
  return out;
}

}  // namespace

Result<BodyFacts> read_body(std::string_view body) {
  BodyFacts out;
  ObjectScanner scanner(body);
  while (const auto member = scanner.next()) {
    if (json::key_is(member->key, "model")) {
      auto name = json::string_value(member->value);
      if (!name) return invalid_argument("model: expected a string");
      out.model = std::move(*name);
    } else if (json::key_is(member->key, "stream")) {
      out.stream = member->value == "true";
    } else if (json::key_is(member->key, "stream_options")) {
      out.include_usage = include_usage_of(member->value);
    }
  }
  if (!scanner.ok()) return invalid_argument("the body is not a valid JSON object");
  return out;
}

std::string replace_model(std::string_view body, std::string_view model) {
  std::vector<Edit> edits;
  ObjectScanner scanner(body);
  while (const auto member = scanner.next()) {
    if (!json::key_is(member->key, "model")) continue;
    edits.push_back({offset_in(body, member->value), member->value.size(), quoted(model)});
  }
  return apply_edits(body, edits);
}

std::string ask_for_usage(std::string_view body) {
  std::vector<Edit> edits;
  ObjectScanner scanner(body);
  while (const auto member = scanner.next()) {
    if (!json::key_is(member->key, "stream_options")) continue;
    const std::size_t at = offset_in(body, member->value);
    if (!member->value.starts_with('{')) {
      edits.push_back({at, member->value.size(), R"({"include_usage":true})"});
      continue;
    }
    bool found = false;
    ObjectScanner options(member->value);
    while (const auto option = options.next()) {
      if (!json::key_is(option->key, "include_usage")) continue;
      found = true;
      edits.push_back({offset_in(body, option->value), option->value.size(), "true"});
    }
    if (!found) edits.push_back(insert_member(body, member->value, R"("include_usage":true)"));
  }
  if (edits.empty()) {
    edits.push_back(insert_member(body, body, R"("stream_options":{"include_usage":true})"));
  }
  return apply_edits(body, edits);
}

std::string replace_answer_model(std::string_view json, std::string_view model) {
  std::vector<Edit> edits;
  const auto edit_models = [&](std::string_view object) {
    ObjectScanner scanner(object);
    while (const auto member = scanner.next()) {
      if (member->key != "model" || !member->value.starts_with('"')) continue;
      edits.push_back({offset_in(json, member->value), member->value.size(), quoted(model)});
    }
  };
  ObjectScanner scanner(json);
  while (const auto member = scanner.next()) {
    const bool wraps = member->key == "message" || member->key == "response";
    if (wraps && member->value.starts_with('{')) edit_models(member->value);
    if (member->key != "model" || !member->value.starts_with('"')) continue;
    edits.push_back({offset_in(json, member->value), member->value.size(), quoted(model)});
  }
  return scanner.ok() ? apply_edits(json, edits) : std::string(json);
}

bool is_usage_chunk(std::string_view json) {
  if (json.find("\"usage\"") == std::string_view::npos) return false;
  bool no_choices = false;
  bool usage = false;
  ObjectScanner scanner(json);
  while (const auto member = scanner.next()) {
    if (member->key == "usage") usage = member->value.starts_with('{');
    if (member->key == "choices") {
      no_choices = member->value.starts_with('[') &&
                   member->value.find_first_not_of(" \t\r\n", 1) == member->value.size() - 1;
    }
  }
  return scanner.ok() && no_choices && usage;
}

}  // namespace nacelle::provider
