// answer_piece.cc: pieces of an answer, with the name of the model that the client asked for.
//
// A picker may have sent the request to another model (InferenceModelRewrite). Clients compare the
// name in the answer with the one they sent, so it is put back as the bytes pass.
#include "base/json_string.h"
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
