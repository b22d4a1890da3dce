#include "gateway/forward/body_patience.h"

namespace nacelle::gateway {

async::Task<Result<std::string_view>> read_patiently(net::http::ServerExchange& exchange,
                                                     BodyPatience& patience) {
  const TimePoint begin = std::chrono::steady_clock::now();
  auto piece = co_await exchange.read_chunk();
  if (piece && !piece->empty() &&
      !patience.piece(std::chrono::steady_clock::now() - begin, piece->size())) {
    exchange.close_after();
    co_return deadline_exceeded("the request body comes too slowly");
  }
  co_return piece;
}

}  // namespace nacelle::gateway
