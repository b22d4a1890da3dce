#include "router/decision.h"

namespace nacelle::router {

void Decision::clear(std::size_t profiles) {
  results.resize(profiles);
  for (ProfileResult& result : results) {
    result.state = ProfileResult::State::kNotRun;
    result.targets.clear();
  }
  primary = 0;
  set_headers.clear();
  remove_headers.clear();
  response_headers.clear();
  destination_port = 0;
  refusal = {};
}

void Decision::refuse(Status status, int http_status, std::string_view reason) {
  refusal = {std::move(status), http_status, reason};
}

}  // namespace nacelle::router
