// links: provider
// aws_event_stream_fuzz.cc: frames from anyone.
//
// Checks: any split gives the same messages and the same outcome; what was accepted and has string
// headers only is a frame that encodes to itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "provider/aws/event_stream.h"

namespace {

using namespace nacelle::provider::aws;

std::string decode(std::string_view bytes, std::size_t step) {
  EventStreamDecoder decoder(1 << 16);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    decoder.feed(bytes.substr(at, step));
    while (const auto message = decoder.next()) {
      for (const auto& [name, value] : message->headers) {
        out.append(name).append("=").append(value).append(";");
      }
      out.append(message->payload).append("|");
    }
  }
  return out + (decoder.status().ok() ? "ok" : "bad");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (decode(bytes, size + 1) != decode(bytes, 1 + size % 5)) std::abort();
  // Mutations rarely keep two checksums right, so the input is a payload too.
  const std::string framed = encode_message({{":event-type", "e"}}, bytes.substr(0, 4096));
  const std::string expected = ":event-type=e;" + std::string(bytes.substr(0, 4096)) + "|ok";
  if (decode(framed, 3) != expected) std::abort();
  return 0;
}
