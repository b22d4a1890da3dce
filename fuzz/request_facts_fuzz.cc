// links: router
// request_facts_fuzz.cc: headers of any client, one "name: value" a line.
//
// Checks: durations are finite and not negative; text facts are parts of the input; a header that
// the router owns stays its own whatever the case of its letters.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "router/objective/request_facts.h"

namespace {

using namespace nacelle::router::objective;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<HeaderView> headers;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view line = bytes.substr(begin, end - begin);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.push_back({line.substr(0, colon), line.substr(std::min(colon + 1, line.size()))});
    begin = end + 1;
  }
  const RequestFacts facts = request_facts_from_headers(headers);
  for (const auto slo : {facts.slo_ttft, facts.slo_tpot}) {
    require(slo >= nacelle::Duration::zero() && slo <= std::chrono::hours(24));
  }
  require(facts.video_fps >= 0 && facts.video_duration_seconds >= 0);
  for (const auto text : {facts.fairness_id, facts.objective, facts.model_rewrite, facts.request_id,
                          facts.session_token, facts.agent_session}) {
    require(text.empty() || (text.data() >= bytes.data() &&
                             text.data() + text.size() <= bytes.data() + bytes.size()));
  }
  for (const HeaderView& header : headers) {
    std::string upper(header.name);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    require(is_system_owned(upper) == is_system_owned(header.name));
  }
  return 0;
}
