// continue_token.cc: where a page of a list ended; fuzzed.
#include <algorithm>

#include <fmt/format.h>

#include "base/base64.h"
#include "kube/server/reading.h"

namespace nacelle::kube::server {
namespace {

Failure bad_token(std::string_view why) {
  return bad_request(fmt::format("invalid continue token: continue key is not valid: {}", why));
}

}  // namespace

std::string encode_continue(const ContinueToken& token) {
  std::string start = "/" + token.after.name_space + "/" + token.after.name;
  start += '\0';
  const Json json = {
      {"v", "meta.k8s.io/v1"},
      {"rv", token.revision.has_value() ? static_cast<std::int64_t>(*token.revision) : -1},
      {"start", start}};
  return encode_base64_url(json.dump());
}

Try<ContinueToken> decode_continue(std::string_view text) {
  const auto bytes = decode_base64_url(text);
  if (!bytes.has_value()) return bad_token("illegal base64 data");
  const Json json = Json::parse(*bytes, nullptr, false);
  if (text_at(json, {"v"}) != "meta.k8s.io/v1") return bad_token("unrecognized version");
  const auto revision = number_at(json, {"rv"});
  std::string start(text_at(json, {"start"}));
  if (!revision.has_value() || start.size() < 3 || start.front() != '/' || start.back() != '\0') {
    return bad_token("no start");
  }
  start = start.substr(1, start.size() - 2);
  const std::size_t slash = start.find('/');
  if (slash == std::string::npos) return bad_token("no start");
  ContinueToken out{.revision = std::nullopt,
                    .after = {start.substr(0, slash), start.substr(slash + 1)}};
  if (*revision >= 0) out.revision = static_cast<std::uint64_t>(*revision);
  return out;
}

}  // namespace nacelle::kube::server
