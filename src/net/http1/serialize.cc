#include "net/http1/serialize.h"

#include <charconv>
#include <cstring>

namespace nacelle::net::http1 {

namespace {

using http::equals_ignore_case;

// Framing and connection fields belong to this hop and are written by us.
bool is_ours(std::string_view name) {
  switch (name.size()) {
    case 6:  // we send the body at once: an expectation passed on would make the peer wait
      return equals_ignore_case(name, "expect");
    case 10:
      return equals_ignore_case(name, "connection") || equals_ignore_case(name, "keep-alive");
    case 14:
      return equals_ignore_case(name, "content-length");
    case 17:
      return equals_ignore_case(name, "transfer-encoding");
    default:
      return false;
  }
}

class Appender {
 public:
  explicit Appender(char* at) : at_(at) {}
  void text(std::string_view text) {
    if (text.empty()) return;  // its data may be null, which memcpy does not take
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void field(std::string_view name, std::string_view value) {
    text(name);
    *at_++ = ':';
    *at_++ = ' ';
    text(value);
    *at_++ = '\r';
    *at_++ = '\n';
  }
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

constexpr std::size_t field_size(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 4;
}

std::size_t fields_size(const http::Headers& headers) {
  std::size_t size = 0;
  for (const auto& field : headers) size += field_size(field.name, field.value);
  return size;
}

void append_fields(Appender& out, const http::Headers& headers) {
  for (const auto& field : headers) {
    if (!is_ours(field.name)) out.field(field.name, field.value);
  }
}

struct Number {
  explicit Number(std::uint64_t value) {
    end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  }
  [[nodiscard]] std::string_view view() const {
    return {digits, static_cast<std::size_t>(end - digits)};
  }
  char digits[20];
  char* end;
};

constexpr std::size_t kOwnFieldBytes = 256;  // room for every field that is written here

}  // namespace

Status append_response_head(std::string& out, const http::ResponseHead& head,
                            const ResponseFraming& framing) {
  RETURN_IF_ERROR(head.headers.validate());
  if (head.status < 100 || head.status > 999) {
    return invalid_argument("status {} has not three digits", head.status);
  }
  const std::string_view reason =
      head.reason.empty() ? http::reason_phrase(head.status) : std::string_view(head.reason);
  if (!http::is_field_value(reason)) return invalid_argument("the reason phrase cannot be sent");

  const std::size_t start = out.size();
  out.resize(start + kOwnFieldBytes + reason.size() + framing.server.size() +
             fields_size(head.headers));
  Appender to(out.data() + start);
  to.text("HTTP/1.1 ");
  to.text(Number(static_cast<std::uint64_t>(head.status)).view());
  to.text(" ");
  to.text(reason);
  to.text("\r\n");
  append_fields(to, head.headers);
  if (!framing.date.empty() && !head.headers.contains("date")) to.field("date", framing.date);
  if (!framing.server.empty() && !head.headers.contains("server")) {
    to.field("server", framing.server);
  }
  switch (framing.body.kind) {
    case BodyKind::kChunked:
      to.field("transfer-encoding", "chunked");
      break;
    case BodyKind::kLength:
    case BodyKind::kNone:
      if (framing.send_length) to.field("content-length", Number(framing.body.length).view());
      break;
    case BodyKind::kUntilClose:
      break;
  }
  if (framing.close) {
    to.field("connection", "close");
  } else if (framing.keep_alive_http10) {
    to.field("connection", "keep-alive");
  }
  to.text("\r\n");
  out.resize(static_cast<std::size_t>(to.at() - out.data()));
  return {};
}

Status append_request_head(std::string& out, const http::RequestHead& head,
                           std::string_view host_port,
                           std::optional<std::uint64_t> content_length) {
  RETURN_IF_ERROR(head.headers.validate());
  if (!http::is_token(head.method)) return invalid_argument("the method cannot be sent");
  for (char c : head.target) {
    if (c <= 0x20 || c >= 0x7F) return invalid_argument("the request target cannot be sent");
  }
  if (head.target.empty()) return invalid_argument("the request target is empty");

  const std::size_t start = out.size();
  out.resize(start + kOwnFieldBytes + head.method.size() + head.target.size() + host_port.size() +
             fields_size(head.headers));
  Appender to(out.data() + start);
  to.text(head.method);
  to.text(" ");
  to.text(head.target);
  to.text(" HTTP/1.1\r\n");
  if (!head.headers.contains("host")) to.field("host", host_port);
  append_fields(to, head.headers);
  if (content_length.has_value()) to.field("content-length", Number(*content_length).view());
  to.text("\r\n");
  out.resize(static_cast<std::size_t>(to.at() - out.data()));
  return {};
}

}  // namespace nacelle::net::http1
