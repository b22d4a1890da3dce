#include "openai/completion_request.h"

#include "openai/limits.h"
#include "openai/wire/common_fields.h"

namespace nacelle::openai {
namespace {

using wire::Field;

constexpr std::int64_t kDefaultMaxTokens = 16;

struct Reader {
  CompletionRequest out;
  wire::CommonFields common;
};

Check read_id_list(const simdjson::dom::array& items, std::vector<std::int64_t>& ids) {
  for (simdjson::dom::element item : items) {
    std::int64_t id = 0;
    if (item.get(id)) return wire::wrong_type("prompt", "a list of token ids");
    ids.push_back(id);
  }
  return {};
}

Check read_prompt_list(const simdjson::dom::array& items, std::vector<Prompt>& prompts) {
  simdjson::dom::element first;
  if (items.at(0).get(first)) return {};  // an empty list: refused with the empty prompt
  if (first.is_int64() || first.is_uint64()) {
    std::vector<std::int64_t> ids;
    if (Check bad = read_id_list(items, ids)) return bad;
    prompts.emplace_back(std::move(ids));
    return {};
  }
  for (simdjson::dom::element item : items) {
    if (prompts.size() == kMaxPrompts) {
      return body_error(fmt::format("prompt has more than {} entries.", kMaxPrompts), "prompt");
    }
    std::string_view text;
    simdjson::dom::array ids;
    if (!item.get(text)) {
      prompts.emplace_back(std::string(text));
    } else if (!item.get(ids)) {
      prompts.emplace_back(std::vector<std::int64_t>{});
      if (Check bad = read_id_list(ids, std::get<1>(prompts.back()))) return bad;
    } else {
      return wire::wrong_type("prompt", "a string, a list of strings or lists of token ids");
    }
    if (prompts.back().index() != prompts.front().index()) {
      return wire::wrong_type("prompt", "either strings or lists of token ids, not both");
    }
  }
  return {};
}

Check read_prompt(Reader& reader, const Field& field) {
  reader.out.prompts.clear();
  if (field.value.is_null()) return {};
  std::string_view text;
  if (!field.value.get(text)) {
    if (!text.empty()) reader.out.prompts.emplace_back(std::string(text));
    return {};
  }
  simdjson::dom::array items;
  if (field.value.get(items)) {
    return wire::wrong_type("prompt", "a string, a list of strings or lists of token ids");
  }
  return read_prompt_list(items, reader.out.prompts);
}

Check read_suffix(Reader&, const Field& field) {
  if (field.value.is_null()) return {};
  return value_error("suffix is not currently supported", "suffix");
}

Check read_prompt_embeds(Reader&, const Field& field) {
  if (field.value.is_null()) return {};
  return value_error("You must set `--enable-prompt-embeds` to input `prompt_embeds`.",
                     "prompt_embeds");
}

template <auto Member>
Check own(Reader& reader, const Field& field) {
  return wire::read(field, reader.out.*Member);
}

const wire::FieldTable<Reader>& own_fields() {
  static const wire::FieldTable<Reader> table = {
      {"prompt", &read_prompt},
      {"logprobs", &own<&CompletionRequest::logprobs>},
      {"add_special_tokens", &own<&CompletionRequest::add_special_tokens>},
      {"suffix", &read_suffix},
      {"prompt_embeds", &read_prompt_embeds},
  };
  return table;
}

Check check_logprobs(const CompletionRequest& request) {
  if (request.logprobs && *request.logprobs < -1) {
    return body_error("`logprobs` must be a positive value.", "logprobs");
  }
  return {};
}

}  // namespace

Parsed<CompletionRequest> parse_completion_request(std::string_view body,
                                                   const SamplingLimits& limits) {
  Parsed<wire::Document> document = wire::Document::parse(body);
  if (!document) return document.error();

  Reader reader;
  reader.common.sampling.max_tokens = kDefaultMaxTokens;
  const auto& common_table = wire::common_field_table();
  for (const auto& pair : document->root()) {
    const Field field{pair.key, pair.value};
    if (const auto entry = own_fields().find(pair.key); entry != own_fields().end()) {
      if (Check bad = entry->second(reader, field)) return *bad;
    } else if (const auto shared = common_table.find(pair.key); shared != common_table.end()) {
      if (Check bad = shared->second(reader.common, field)) return *bad;
    }
  }

  CompletionRequest& out = reader.out;
  if (out.prompts.empty()) {
    return body_error("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  }
  if (Check bad = check_logprobs(out)) return *bad;
  if (Check bad = wire::validate_common(reader.common)) return *bad;
  out.common = std::move(reader.common.request);
  out.sampling = std::move(reader.common.sampling);
  out.sampling.bad_words.clear();  // a field of chat only

  if (out.common.echo && out.sampling.max_tokens == 0) {
    out.echo_only = true;
    out.sampling.max_tokens = 1;
  }
  if (Check bad = validate(out.sampling, out.logprobs, limits)) return *bad;
  return std::move(out);
}

}  // namespace nacelle::openai
