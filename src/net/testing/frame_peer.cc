#include "net/testing/frame_peer.h"

#include "base/check.h"

namespace nacelle::net::testing {

namespace {

std::uint32_t read32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void append_string(std::string& out, std::string_view text) {
  // HPACK integer with a 7 bit prefix, Huffman flag off.
  std::size_t size = text.size();
  if (size < 127) {
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(127);
    size -= 127;
    while (size >= 128) {
      out += static_cast<char>(size % 128 + 128);
      size /= 128;
    }
    out += static_cast<char>(size);
  }
  out.append(text);
}

}  // namespace

std::uint32_t Frame::code() const {
  if (type == NGHTTP2_GOAWAY) return payload.size() < 8 ? 0 : read32(payload.substr(4, 4));
  return payload.size() < 4 ? 0 : read32(payload);
}

std::uint32_t Frame::last_stream() const { return payload.size() < 4 ? 0 : read32(payload); }

std::string number32(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
  return out;
}

std::string frame_bytes(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                        std::string_view payload) {
  std::string out;
  for (int shift = 16; shift >= 0; shift -= 8) {
    out += static_cast<char>(payload.size() >> shift & 0xFF);
  }
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += number32(stream);
  out.append(payload);
  return out;
}

std::string header_block(const FieldList& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';  // literal without indexing, new name
    append_string(out, name);
    append_string(out, value);
  }
  return out;
}

FieldList request_fields(std::string method, std::string path) {
  return {{":method", std::move(method)},
          {":scheme", "http"},
          {":authority", "x"},
          {":path", std::move(path)}};
}

FramePeer::FramePeer(std::uint16_t port,
                     const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings,
                     int receive_buffer_bytes)
    : socket_(port, receive_buffer_bytes) {
  CHECK(nghttp2_hd_inflate_new(&inflater_) == 0);
  std::string payload;
  for (const auto& [id, value] : settings) {
    payload += static_cast<char>(id >> 8);
    payload += static_cast<char>(id & 0xFF);
    payload += number32(value);
  }
  socket_.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  send(NGHTTP2_SETTINGS, 0, 0, payload);
}

FramePeer::~FramePeer() { nghttp2_hd_inflate_del(inflater_); }

bool FramePeer::send(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                     std::string_view payload) {
  return socket_.send(frame_bytes(type, flags, stream, payload));
}

bool FramePeer::headers(std::uint32_t stream, const FieldList& fields, bool end_stream) {
  constexpr std::size_t kMaxFrame = 16384;
  const std::string block = header_block(fields);
  std::string wire;
  for (std::size_t at = 0; at == 0 || at < block.size(); at += kMaxFrame) {
    std::uint8_t flags = at + kMaxFrame >= block.size() ? NGHTTP2_FLAG_END_HEADERS : 0;
    if (at == 0 && end_stream) flags |= NGHTTP2_FLAG_END_STREAM;
    wire += frame_bytes(at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, flags, stream,
                        std::string_view(block).substr(at, kMaxFrame));
  }
  return socket_.send(wire);
}

bool FramePeer::data(std::uint32_t stream, std::string_view bytes, bool end_stream) {
  return send(NGHTTP2_DATA, end_stream ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes);
}

bool FramePeer::window(std::uint32_t stream, std::uint32_t increment) {
  return send(NGHTTP2_WINDOW_UPDATE, 0, stream, number32(increment));
}

std::optional<Frame> FramePeer::next() {
  const std::string head = socket_.read_exactly(9);
  if (head.size() < 9) return std::nullopt;
  Frame frame;
  const std::size_t size = read32(std::string(1, '\0') + head.substr(0, 3));
  frame.type = static_cast<std::uint8_t>(head[3]);
  frame.flags = static_cast<std::uint8_t>(head[4]);
  frame.stream = read32(head.substr(5, 4));
  frame.payload = socket_.read_exactly(size);
  if (frame.payload.size() < size) return std::nullopt;
  if (frame.type == NGHTTP2_SETTINGS && (frame.flags & NGHTTP2_FLAG_ACK) == 0) {
    send(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0);
  }
  // Each block changes the decoder's table, also one that the test does not look at.
  if (frame.type == NGHTTP2_HEADERS) frame.fields = decode(frame.payload);
  return frame;
}

std::optional<Frame> FramePeer::next(std::uint8_t type, std::optional<std::uint32_t> stream) {
  for (;;) {
    std::optional<Frame> frame = next();
    if (!frame.has_value()) return frame;
    if (frame->type == type && stream.value_or(frame->stream) == frame->stream) return frame;
  }
}

FieldList FramePeer::decode(std::string_view block) {
  FieldList fields;
  auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
    CHECK(used >= 0);
    at += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                          std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if (left == 0 && (flags & NGHTTP2_HD_INFLATE_EMIT) == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return fields;
}

std::string FramePeer::Response::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

FramePeer::Response FramePeer::response(std::uint32_t stream) {
  Response out;
  while (std::optional<Frame> frame = next()) {
    if (frame->type == NGHTTP2_GOAWAY) out.goaway = frame->code();
    if (frame->stream != stream) continue;
    if (frame->type == NGHTTP2_HEADERS) {
      (out.fields.empty() ? out.fields : out.trailers) = frame->fields;
    }
    if (frame->type == NGHTTP2_RST_STREAM) {
      out.reset = frame->code();
      return out;
    }
    if (frame->type == NGHTTP2_DATA) {
      out.body += frame->payload;
      if (!frame->payload.empty()) {
        window(0, static_cast<std::uint32_t>(frame->payload.size()));
        if (!frame->end_stream()) window(stream, static_cast<std::uint32_t>(frame->payload.size()));
      }
    }
    if (frame->end_stream() && (frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS)) {
      out.complete = true;
      return out;
    }
  }
  return out;
}

FramePeer::Response FramePeer::get(std::uint32_t stream, std::string path) {
  headers(stream, request_fields("GET", std::move(path)));
  return response(stream);
}

}  // namespace nacelle::net::testing
