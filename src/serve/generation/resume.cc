#include "serve/generation/resume.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

namespace nacelle::serve {
namespace {

std::int64_t random_seed() {
  std::random_device device;
  const std::uint64_t bits = std::uint64_t{device()} << 32 | device();
  return static_cast<std::int64_t>(bits >> 1);  // not -1, which means none
}

bool wants_tokens(const Call& call, const openai::RequestFields& fields, std::size_t num_choices) {
  return fields.stream && num_choices == 1 && !call.header(kResumeHeader).empty();
}

openai::Check check_tokens(const openai::ResumeFields& resume, const ServerConfig& config) {
  for (const std::int64_t token : resume.tokens) {
    if (token >= 0 && token < static_cast<std::int64_t>(config.vocab_size)) continue;
    return openai::value_error(fmt::format("nacelle_resume has token {}, the vocabulary has {}.",
                                           token, config.vocab_size),
                               "nacelle_resume");
  }
  return {};
}

std::vector<TokenId> token_ids(const openai::ResumeFields& resume) {
  return {resume.tokens.begin(), resume.tokens.end()};
}

}  // namespace

openai::Check prepare_resume(Call& call, const ServerConfig& config,
                             const openai::RequestFields& fields,
                             std::vector<engine::Request>& requests, openai::AnswerHead& head) {
  const bool shows_tokens = wants_tokens(call, fields, requests.size());
  if (fields.resume) {
    if (requests.size() != 1) {
      return openai::value_error(
          fmt::format("nacelle_resume needs one prompt, got {}.", requests.size()),
          "nacelle_resume");
    }
    if (openai::Check bad = check_tokens(*fields.resume, config)) return bad;
    engine::Request& request = requests.front();
    request.prompt.insert(request.prompt.end(), fields.resume->tokens.begin(),
                          fields.resume->tokens.end());
    request.num_resumed_tokens = static_cast<std::uint32_t>(fields.resume->tokens.size());
    if (fields.resume->seed) request.params.seed = fields.resume->seed;
    head.id = fields.resume->id;
    head.created = fields.resume->created;
  }
  if (!shows_tokens) return {};
  engine::SamplingParams& params = requests.front().params;
  if (!params.greedy() && !params.seed) params.seed = random_seed();
  nlohmann::ordered_json name = {{"id", head.id}, {"created", head.created}};
  if (params.seed) name["seed"] = *params.seed;
  call.add_header(kResumeHeader, name.dump());
  return {};
}

openai::Check begin_resume(const Call& call, const openai::RequestFields& fields,
                           std::size_t num_choices, Answer& answer) {
  if (fields.resume && !answer.replay(token_ids(*fields.resume))) {
    return openai::value_error("The tokens of nacelle_resume already end the answer.",
                               "nacelle_resume");
  }
  if (wants_tokens(call, fields, num_choices)) answer.show_tokens();
  return {};
}

}  // namespace nacelle::serve
