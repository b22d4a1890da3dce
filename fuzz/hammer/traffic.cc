#include "traffic.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include "net/testing/frame_peer.h"

namespace nacelle::hammer {

using net::testing::FieldList;
using net::testing::frame_bytes;
using net::testing::header_block;
using net::testing::number32;

namespace {

// Held and passed on, an engine's paths, one that is answered without a backend, one of nobody.
constexpr const char* kPaths[] = {"/v1/completions", "/v1/chat/completions",
                                  "/s/echo?x=1",     "/s/%2e%2e/echo",
                                  "/go/there",       "/none",
                                  "/health"};
constexpr const char* kMethods[] = {"GET", "POST", "POST",    "POST",
                                    "PUT", "HEAD", "OPTIONS", "BREW"};
constexpr const char* kFields[] = {
    "Accept: */*",
    "X-Mine: 1",
    "Connection: keep-alive, x-mine",
    "Expect: 100-continue",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-gateway-destination-endpoint: 127.0.0.1:1",
    "x-request-id: abc",
    "Origin: https://a.example",
    "Cookie: a=b; c=d",
    "Authorization: Bearer x"};
constexpr const char* kTokens[] = {"\r\n",
                                   "\n",
                                   "\r",
                                   "\r\n\r\n",
                                   ":",
                                   " ",
                                   "Content-Length: 5\r\n",
                                   "Content-Length: 18446744073709551615\r\n",
                                   "Transfer-Encoding: chunked\r\n",
                                   "Transfer-Encoding: xchunked\r\n",
                                   "0\r\n\r\n",
                                   "ffffffffffffffff\r\n",
                                   "GET /s/evil HTTP/1.1\r\nHost: x\r\n\r\n",
                                   "HTTP/1.0",
                                   "Host: y\r\n",
                                   "%00",
                                   "/../",
                                   "{\"model\":\"",
                                   "\"stream\":true,",
                                   "\xff\xfe"};
constexpr std::size_t kMaxFrame = 16384;

}  // namespace

std::string TrafficMaker::body() {
  switch (below(8)) {
    case 0:
      return "";
    case 1:
      return std::string(below(below(8) == 0 ? 200'000 : 3000), 'x');
    case 2:
      return R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";
    case 3:
      return std::string(below(200), '[');
    default:
      return fmt::format(R"({{"model":"m","prompt":"{}","max_tokens":{}}})",
                         std::string(below(300), 'a'), below(100));
  }
}

std::string TrafficMaker::chunked(const std::string& body) {
  std::string out;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t size = std::min(1 + below(5000), body.size() - at);
    out += fmt::format("{:x}{}\r\n", size, below(8) == 0 ? ";a=b" : "");
    out.append(body, at, size).append("\r\n");
    at += size;
  }
  return out + (below(8) == 0 ? "0\r\nx-trailer: 1\r\n\r\n" : "0\r\n\r\n");
}

std::string TrafficMaker::request() {
  const std::string method = one_of(kMethods);
  std::string head =
      fmt::format("{} {}{} HTTP/1.{}\r\nHost: x\r\n", method,
                  below(20) == 0 ? "http://other:1" : "", one_of(kPaths), below(20) == 0 ? 0 : 1);
  for (std::size_t n = below(4); n > 0; --n) head.append(one_of(kFields)).append("\r\n");
  if (method != "POST" && method != "PUT") return head + "\r\n";
  const std::string text = body();
  if (below(3) == 0) return head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(text);
  return head + fmt::format("Content-Length: {}\r\n\r\n", text.size()) + text;
}

void TrafficMaker::mutate(std::string& bytes) {
  for (std::size_t n = 1 + below(4); n > 0 && !bytes.empty(); --n) {
    const std::size_t at = below(bytes.size());
    const std::size_t size = std::min(1 + below(16), bytes.size() - at);
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(random_());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        break;
      case 2:
        bytes.erase(at, size);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, size));
        break;
      case 4:
        bytes.insert(at, one_of(kTokens));
        break;
      default:
        bytes.resize(at);
    }
  }
}

Traffic TrafficMaker::http1() {
  Traffic out;
  const std::size_t count = 1 + below(8);
  const bool good = below(2) == 0;  // what follows a broken request is not seen
  if (!good && !corpus_.empty() && below(3) == 0) {
    std::string text = corpus_[below(corpus_.size())];
    if (below(2) == 0) mutate(text);
    out.bytes += text;
    ++out.requests;
  }
  while (out.requests < count) {
    std::string text = request();
    if (!good && below(3) == 0) mutate(text);
    out.bytes += text;
    ++out.requests;
  }
  return out;
}

std::string TrafficMaker::stream(std::uint32_t id) {
  FieldList fields = {{":method", one_of(kMethods)},
                      {":scheme", "http"},
                      {":authority", "x"},
                      {":path", one_of(kPaths)}};
  for (std::size_t n = below(4); n > 0; --n) {
    const std::string_view field = one_of(kFields);
    std::string name(field.substr(0, field.find(':')));
    if (below(8) != 0) std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    fields.emplace_back(std::move(name), field.substr(field.find(':') + 2));
  }
  const std::string text = below(2) == 0 ? body() : "";
  if (below(6) == 0) fields.emplace_back("content-length", std::to_string(text.size() + below(2)));
  const std::string block = header_block(fields);
  const std::size_t split = below(4) == 0 ? below(block.size()) : block.size();
  const std::uint8_t end = text.empty() ? NGHTTP2_FLAG_END_STREAM : 0;
  std::string out;
  if (split < block.size()) {
    out += frame_bytes(NGHTTP2_HEADERS, end, id, std::string_view(block).substr(0, split));
    out += frame_bytes(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, id,
                       std::string_view(block).substr(split));
  } else {
    out += frame_bytes(NGHTTP2_HEADERS, end | NGHTTP2_FLAG_END_HEADERS, id, block);
  }
  // More than the window that a server gives by itself would only wait.
  const std::string_view sent = std::string_view(text).substr(0, 60'000);
  for (std::size_t at = 0; at < sent.size(); at += kMaxFrame) {
    const bool last = at + kMaxFrame >= sent.size();
    out += frame_bytes(NGHTTP2_DATA, last ? NGHTTP2_FLAG_END_STREAM : 0, id,
                       sent.substr(at, kMaxFrame));
  }
  if (below(5) == 0) out += frame_bytes(NGHTTP2_RST_STREAM, 0, id, number32(below(14)));
  return out;
}

Traffic TrafficMaker::http2() {
  Traffic out;
  out.http2 = true;
  out.bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame_bytes(NGHTTP2_SETTINGS, 0, 0, {});
  const std::size_t count = 1 + below(12);
  std::uint32_t id = 1;
  while (out.requests < count) {
    std::string text = stream(id);
    switch (below(10)) {
      case 0:
        text += frame_bytes(NGHTTP2_PING, 0, 0, "12345678");
        break;
      case 1:
        text += frame_bytes(NGHTTP2_WINDOW_UPDATE, 0, below(2) == 0 ? 0 : id, number32(below(3)));
        break;
      case 2:
        text += frame_bytes(NGHTTP2_PRIORITY, 0, id, number32(0) + "\x10");
        break;
      default:
        break;
    }
    // A broken frame ends the connection: most are whole, so that the later ones are seen, too.
    if (below(12) == 0) mutate(text);
    out.bytes += text;
    id += below(16) == 0 ? 0 : 2;
    ++out.requests;
  }
  return out;
}

Traffic TrafficMaker::next() { return below(3) == 0 ? http2() : http1(); }

}  // namespace nacelle::hammer
