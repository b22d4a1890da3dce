// links: net
// grpc_framing_fuzz.cc: the body of a gRPC call: messages behind their prefixes, in any pieces.
//
// Checks: any split gives the same messages and the same end; a message that is put back comes
// again; no message is larger than the bound; messages that are framed again are the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/grpc/framing.h"

namespace {

using namespace nacelle;

constexpr std::size_t kBound = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  std::vector<std::string> messages;
  Code code = Code::kOk;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// `again`: every message is put back once.
Outcome read(std::string_view text, std::size_t step, bool again) {
  net::grpc::MessageReader reader(kBound);
  Outcome out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string piece(text.substr(at, step));  // the reader must not keep views of it
    std::string_view rest = piece;
    for (bool was_put_back = false;;) {
      const auto message = reader.next(rest);
      if (!message.ok()) {
        require(!reader.next(rest).ok());
        out.code = message.error().code();
        return out;
      }
      if (!message->has_value()) break;
      require((**message).size() <= kBound);
      if (again && !was_put_back) {
        reader.put_back(**message);
        was_put_back = true;
        continue;
      }
      was_put_back = false;
      out.messages.emplace_back(**message);
    }
    require(rest.empty());
  }
  out.code = reader.finish().code();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Outcome whole = read(text, size + 1, false);
  for (const std::size_t step : {std::size_t{1}, 2 + size % 7}) {
    require(read(text, step, false) == whole);
    require(read(text, step, true) == whole);
  }
  std::string wire;
  for (const std::string& message : whole.messages) net::grpc::append_framed(message, wire);
  require(text.starts_with(wire));
  const Outcome framed = read(wire, wire.size() + 1, true);
  require(framed.messages == whole.messages && framed.code == Code::kOk);
  return 0;
}
