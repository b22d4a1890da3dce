#include "openai/wire/common_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "openai/limits.h"

namespace nacelle::openai::wire {
namespace {

template <auto Member>
Check request(CommonFields& common, const Field& field) {
  return read(field, common.request.*Member);
}

template <auto Member>
Check sampling(CommonFields& common, const Field& field) {
  return read(field, common.sampling.*Member);
}

Check read_stop(CommonFields& common, const Field& field) {
  if (!field.value.is_string()) return read(field, common.sampling.stop);
  std::string one;
  if (Check bad = read(field, one)) return bad;
  common.sampling.stop = {std::move(one)};
  return {};
}

Check read_logit_bias(CommonFields& common, const Field& field) {
  auto& out = common.sampling.logit_bias;
  out.clear();
  if (field.value.is_null()) return {};
  dom::object entries;
  if (field.value.get(entries)) return wrong_type(field.name, "an object of token id to number");
  for (const dom::key_value_pair& pair : entries) {
    std::int64_t token = 0;
    const char* end = pair.key.data() + pair.key.size();
    const auto parsed = std::from_chars(pair.key.data(), end, token);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
      return wrong_type(field.name, "an object of token id to number");
    }
    double bias = 0;
    if (pair.value.get(bias)) return wrong_type(field.name, "an object of token id to number");
    out.emplace_back(token, std::clamp(bias, -100.0, 100.0));
  }
  return {};
}

Check read_stream_options(CommonFields& common, const Field& field) {
  common.has_stream_options = !field.value.is_null();
  common.request.stream_options.reset();
  if (field.value.is_null()) return {};
  static const FieldTable<StreamOptions> table = {
      {"include_usage", &bind<&StreamOptions::include_usage>},
      {"continuous_usage_stats", &bind<&StreamOptions::continuous_usage_stats>},
  };
  dom::object object;
  if (field.value.get(object)) return wrong_type(field.name, "an object");
  StreamOptions options;
  if (Check bad = read_fields(object, table, options)) return bad;
  common.request.stream_options = options;
  return {};
}

Check read_cache_salt(CommonFields& common, const Field& field) {
  common.request.cache_salt.reset();
  if (field.value.is_null()) return {};
  std::string_view salt;
  if (field.value.get(salt) || salt.empty()) {
    return body_error("Parameter 'cache_salt' must be a non-empty string if provided.",
                      "cache_salt");
  }
  common.request.cache_salt = std::string(salt);
  return {};
}

Check read_resume(CommonFields& common, const Field& field) {
  common.request.resume.reset();
  if (field.value.is_null()) return {};
  static const FieldTable<ResumeFields> table = {
      {"id", &bind<&ResumeFields::id>},
      {"created", &bind<&ResumeFields::created>},
      {"seed", &bind<&ResumeFields::seed>},
      {"tokens", &bind<&ResumeFields::tokens>},
  };
  dom::object object;
  if (field.value.get(object)) return wrong_type(field.name, "an object");
  ResumeFields resume;
  if (Check bad = read_fields(object, table, resume)) return bad;
  if (resume.id.empty() || resume.id.size() > kMaxNameBytes) {
    return body_error(fmt::format("nacelle_resume.id has {} bytes, 1 to {} are accepted.",
                                  resume.id.size(), kMaxNameBytes),
                      "nacelle_resume");
  }
  common.request.resume = std::move(resume);
  return {};
}

Check read_response_format(CommonFields& common, const Field& field) {
  if (field.value.is_null()) return {};
  dom::object format;
  std::string_view type;
  if (field.value.get(format) || format.at_key("type").get(type)) {
    return wrong_type(field.name, "an object with a type");
  }
  if (type == "text") return {};
  if (type == "json_schema") {
    dom::object schema;
    if (format.at_key("json_schema").get(schema)) {
      return body_error(
          "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
          "response_format");
    }
  } else if (type != "json_object" && type != "structural_tag") {
    return wrong_type("response_format.type",
                      "'text', 'json_object', 'json_schema' or 'structural_tag'");
  }
  common.request.constraint = fmt::format("response_format {}", type);
  return {};
}

Check read_structured_outputs(CommonFields& common, const Field& field) {
  if (field.value.is_null()) return {};
  dom::object object;
  if (field.value.get(object)) return wrong_type(field.name, "an object");
  int kinds = 0;
  for (std::string_view kind : {"json", "regex", "choice"}) {
    dom::element value;
    if (!object.at_key(kind).get(value) && !value.is_null()) ++kinds;
  }
  if (kinds > 1) {
    return body_error(
        "You can only use one kind of constraints for structured outputs ('json', 'regex' or "
        "'choice').",
        "structured_outputs");
  }
  common.request.constraint = "structured_outputs";
  return {};
}

Check read_truncation(CommonFields& common, const Field& field) {
  return read(field, common.sampling.truncate_prompt_tokens);
}

// Names of features that change the answer and that this server does not have. Silence would be a
// lie.
Check refuse_unless_null(CommonFields&, const Field& field) {
  if (field.value.is_null()) return {};
  return value_error(fmt::format("{} is not supported yet.", field.name), std::string(field.name));
}

}  // namespace

const FieldTable<CommonFields>& common_field_table() {
  using S = SamplingFields;
  using R = RequestFields;
  static const FieldTable<CommonFields> table = {
      {"temperature", &sampling<&S::temperature>},
      {"top_p", &sampling<&S::top_p>},
      {"top_k", &sampling<&S::top_k>},
      {"min_p", &sampling<&S::min_p>},
      {"repetition_penalty", &sampling<&S::repetition_penalty>},
      {"presence_penalty", &sampling<&S::presence_penalty>},
      {"frequency_penalty", &sampling<&S::frequency_penalty>},
      {"seed", &sampling<&S::seed>},
      {"n", &sampling<&S::n>},
      {"max_tokens", &sampling<&S::max_tokens>},
      {"min_tokens", &sampling<&S::min_tokens>},
      {"stop", &read_stop},
      {"stop_token_ids", &sampling<&S::stop_token_ids>},
      {"ignore_eos", &sampling<&S::ignore_eos>},
      {"include_stop_str_in_output", &sampling<&S::include_stop_str_in_output>},
      {"logit_bias", &read_logit_bias},
      {"allowed_token_ids", &sampling<&S::allowed_token_ids>},
      {"bad_words", &sampling<&S::bad_words>},
      {"prompt_logprobs", &sampling<&S::prompt_logprobs>},
      {"skip_special_tokens", &sampling<&S::skip_special_tokens>},
      {"spaces_between_special_tokens", &sampling<&S::spaces_between_special_tokens>},
      {"truncate_prompt_tokens", &read_truncation},
      {"use_beam_search", &bind<&CommonFields::use_beam_search>},
      {"model", &request<&R::model>},
      {"stream", &request<&R::stream>},
      {"stream_options", &read_stream_options},
      {"request_id", &request<&R::request_id>},
      {"priority", &request<&R::priority>},
      {"cache_salt", &read_cache_salt},
      {"return_token_ids", &request<&R::return_token_ids>},
      {"return_tokens_as_token_ids", &request<&R::return_tokens_as_token_ids>},
      {"echo", &request<&R::echo>},
      {"nacelle_resume", &read_resume},
      {"response_format", &read_response_format},
      {"structured_outputs", &read_structured_outputs},
      {"thinking_token_budget", &refuse_unless_null},
      {"repetition_detection", &refuse_unless_null},
  };
  return table;
}

Check validate_common(const CommonFields& fields) {
  if (fields.has_stream_options && !fields.request.stream) {
    return body_error("Stream options can only be defined when `stream=True`.", "stream_options");
  }
  if (fields.request.resume && (!fields.request.stream || fields.sampling.n != 1)) {
    return body_error("nacelle_resume needs a stream of one choice.", "nacelle_resume");
  }
  if (const auto prompt_logprobs = fields.sampling.prompt_logprobs) {
    if (*prompt_logprobs < -1) {
      return body_error("`prompt_logprobs` must be a positive value or -1.", "prompt_logprobs");
    }
    if (fields.request.stream && *prompt_logprobs != 0) {
      return body_error("`prompt_logprobs` are not available when `stream=True`.",
                        "prompt_logprobs");
    }
  }
  if (fields.request.request_id && fields.request.request_id->size() > kMaxNameBytes) {
    return body_error(fmt::format("request_id has {} bytes, at most {} are accepted.",
                                  fields.request.request_id->size(), kMaxNameBytes),
                      "request_id");
  }
  if (fields.use_beam_search) {
    return value_error("use_beam_search is not supported yet.", "use_beam_search");
  }
  if (!fields.request.constraint.empty()) {
    return value_error(fmt::format("{} is not supported yet.", fields.request.constraint),
                       fields.request.constraint.starts_with("response_format")
                           ? "response_format"
                           : "structured_outputs");
  }
  return {};
}

}  // namespace nacelle::openai::wire
