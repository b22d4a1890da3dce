// answer_piece.cc: pieces of an answer, with the name of the model that the client asked for.
//
// A picker may have sent the request to another model (InferenceModelRewrite). Clients compare the
// name in the answer with the one they sent, so it is put back as the bytes pass.
#include <algorithm>

#include "base/json_string.h"
#include "gateway/forward/attempt.h"
#include "gateway/forwarder.h"

namespace nacelle::gateway {

using net::http::ClientExchange;

void Forwarder::begin_answer(Request& request) {
  request.restorer.reset();
  request.restored.clear();
  request.restored_all = false;
  if (request.retargeted_model.empty() || request.retargeted_model == request.facts.model) return;
  // Both as they stand in JSON.
  const auto quoted = [](std::string_view name) {
    std::string out;
    append_json_string(out, name);
    return out.substr(1, out.size() - 2);
  };
  request.restorer.emplace(quoted(request.retargeted_model), quoted(request.facts.model));
}

async::Task<Result<std::string_view>> Forwarder::read_answer(Request& request,
                                                             ClientExchange& upstream) {
  return request.restorer ? read_restored(request, upstream) : upstream.read_chunk();
}

async::Task<Result<std::string_view>> Forwarder::read_first(Request& request, Attempt& attempt) {
  const RuleConfig& rule = *request.rule->config;
  ClientExchange& upstream = *attempt.upstream;
  Duration patience = rule.first_byte_timeout;
  if (patience > Duration::zero()) {
    const TimePoint asked = std::max(attempt.begun, request.record.complete);
    const Duration used = std::chrono::steady_clock::now() - asked;
    patience = std::max<Duration>(patience - used, 1ms);  // the head took its part of it
  }
  upstream.set_read_idle_timeout(patience);
  auto piece = co_await read_answer(request, upstream);
  upstream.set_read_idle_timeout(rule.stream_idle_timeout);
  co_return piece;
}

async::Task<Result<std::string_view>> Forwarder::read_restored(Request& request,
                                                               ClientExchange& upstream) {
  while (!request.restored_all) {
    auto piece = co_await upstream.read_chunk();
    if (!piece) co_return piece;
    request.restored_all = piece->empty();
    request.restored = request.restorer->feed(*piece, request.restored_all);
    if (!request.restored.empty()) co_return std::string_view(request.restored);
  }
  co_return std::string_view();
}

}  // namespace nacelle::gateway
