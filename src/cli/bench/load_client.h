// load_client.h: sends one streamed request and times its answer.
//
// Home:    one loop; any number of requests at a time.
#pragma once

#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "cli/bench/measurement.h"
#include "net/address.h"
#include "net/http/client.h"

namespace nacelle::cli {

enum class LoadApi { kCompletions, kChat };

struct LoadTarget {
  net::HostPort address;
  std::string model;  // "" = the field is left out
  std::string api_key;
  LoadApi api = LoadApi::kCompletions;
  std::uint32_t output_tokens = 128;
  bool ignore_eos = true;
  Duration timeout = 300s;  // whole request; 0 = none
};

// The JSON body of a request.
[[nodiscard]] std::string request_body(const LoadTarget& target, const std::string& prompt);

class LoadClient {
 public:
  LoadClient(async::Loop& loop, LoadTarget target);

  // `stage_start` is the zero of Measurement::sent_s.
  [[nodiscard]] async::Task<Measurement> send(std::string prompt, TimePoint stage_start);

 private:
  LoadTarget target_;
  net::http::HttpClient client_;
};

}  // namespace nacelle::cli
