// links: epp kube
// kube_watch_fuzz.cc: the bytes of a watch, from an API server that may be anything, and what pools
// and pods are read from its objects.
//
// Checks: any split gives the same events; the bound holds; a pool that is accepted has ports in
// range and a selector; endpoints have addresses that parse.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "epp/inference_pool.h"
#include "kube/api_error.h"
#include "kube/watch_decoder.h"
#include "net/address.h"

namespace {

using namespace nacelle;

constexpr std::size_t kBound = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<kube::WatchEvent> decode(std::string_view text, std::size_t step, bool& failed) {
  kube::WatchDecoder decoder(kBound);
  std::vector<kube::WatchEvent> out;
  failed = false;
  for (std::size_t at = 0; at < text.size() && !failed; at += step) {
    failed = !decoder.feed(text.substr(at, step), out).ok();
    require(decoder.held_bytes() <= kBound);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bool whole_failed = false;
  bool split_failed = false;
  std::vector<kube::WatchEvent> whole = decode(text, text.size() + 1, whole_failed);
  const std::vector<kube::WatchEvent> split = decode(text, 3, split_failed);
  require(whole.size() == split.size() && whole_failed == split_failed);
  kube::Informer::Objects pods;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    require(whole[i].object == split[i].object);
    (void)kube::parse_api_error(500, whole[i].object).to_status();
    kube::trim(whole[i].object);
    pods[kube::key_of(whole[i].object)] = std::make_shared<const kube::Json>(whole[i].object);
  }
  for (const auto& [key, object] : pods) {
    const auto pool = epp::parse_inference_pool(*object);
    if (!pool.ok()) continue;
    require(!pool->selector.empty() && !pool->ports.empty());
    for (const auto& endpoint : epp::endpoints_of(*pool, pods)) {
      const auto address = net::parse_host_port(endpoint.address);
      require(address.ok() && address->port != 0);
    }
  }
  return 0;
}
