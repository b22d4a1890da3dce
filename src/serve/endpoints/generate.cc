#include "serve/endpoints/generate.h"

namespace nacelle::serve {

openai::AnswerHead make_head(const ServerState& state, const Call& call, std::string_view prefix,
                             const openai::RequestFields& fields) {
  std::string id = call.client_request_id();
  if (id.empty() && fields.request_id) id = *fields.request_id;
  if (id.empty()) id = random_hex_id();
  return {.id = fmt::format("{}{}", prefix, id),
          .created = unix_seconds(),
          .model = state.config.served_model_names.front(),
          .system_fingerprint = state.config.system_fingerprint};
}

openai::Check check_rank(const Call& call) {
  const std::string_view rank = call.header("x-data-parallel-rank");
  if (rank.empty() || rank == "0") return {};
  return openai::value_error(
      fmt::format("data_parallel_rank {} is out of range [0, 1).", openai::excerpt(rank)),
      "data_parallel_rank");
}

}  // namespace nacelle::serve
