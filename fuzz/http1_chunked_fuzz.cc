// links: net
// http1_chunked_fuzz.cc: chunked bodies from anyone.
//
// Checks: any split gives the same data, end and consumption as the whole; an accepted body that we
// encode again decodes to the same data.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http1/chunked.h"

namespace {

using namespace nacelle::net::http1;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Decoded {
  std::string data;
  std::size_t consumed = 0;
  ChunkedDecoder::State end = ChunkedDecoder::State::kNeedMore;
};

Decoded decode(std::string_view input, std::size_t step) {
  ChunkedDecoder decoder;
  Decoded out;
  while (!input.empty() && out.end == ChunkedDecoder::State::kNeedMore) {
    std::string_view piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    for (;;) {
      const auto result = decoder.next(piece);
      require(result.consumed <= piece.size());
      piece.remove_prefix(result.consumed);
      out.consumed += result.consumed;
      out.data.append(result.data);
      if (result.state == ChunkedDecoder::State::kData) continue;
      out.end = result.state;
      break;
    }
    if (out.end == ChunkedDecoder::State::kNeedMore) require(piece.empty());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Decoded whole = decode(bytes, size + 1);
  const Decoded split = decode(bytes, 1 + size % 5);
  require(whole.data == split.data && whole.end == split.end && whole.consumed == split.consumed);
  if (whole.end != ChunkedDecoder::State::kDone) return 0;

  std::string wire;
  if (!whole.data.empty()) {
    wire.append(ChunkPrefix(whole.data.size()).view()).append(whole.data).append(kChunkSuffix);
  }
  wire += kLastChunk;
  const Decoded again = decode(wire, 3);
  require(again.end == ChunkedDecoder::State::kDone && again.data == whole.data);
  return 0;
}
