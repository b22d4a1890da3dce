#include "net/http/server_exchange.h"

namespace nacelle::net::http {

const Headers& ServerExchange::request_trailers() const {
  static const Headers none;
  return none;
}

async::Task<Result<bool>> ServerExchange::feed(BodySink&) {
  co_return failed_precondition("a body is read and answered at the same time only over HTTP/2");
}

async::Task<Status> ServerExchange::finish_with_trailers(const Headers&, std::string_view last) {
  return finish(last);
}

}  // namespace nacelle::net::http
