#include "net/http1/head_parser.h"
#include "net/http/content_length.h"

#include <algorithm>
#include <cstring>

namespace nacelle::net::http1 {

namespace {

using http::equals_ignore_case;

constexpr std::size_t kMethodAndVersionBytes = 64;  // of a request line besides the target

ParseOutcome refuse(int status, std::string_view reason) {
  return {ParseState::kError, 0, status, reason};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Finds the empty line that ends a head. Checks on the way that every LF follows a CR, because a
// sender that ends lines otherwise is refused at once instead of waiting for more.
// `max_first_line` bounds the first line.
struct HeadEnd {
  ParseState state = ParseState::kNeedMore;
  std::size_t end = 0;  // bytes up to and with the empty line
  int status = 0;
  std::string_view reason;
};

HeadEnd find_end(std::string_view bytes, const HeadLimits& limits, std::size_t max_first_line,
                 int long_first_line_status, ScanState& scan) {
  const std::size_t visible = std::min(bytes.size(), limits.max_bytes);
  // `searched` always stands at the start of a line.
  while (scan.searched < visible) {
    const auto* line = bytes.data() + scan.searched;
    const auto* lf = static_cast<const char*>(std::memchr(line, '\n', visible - scan.searched));
    const std::size_t length =
        lf != nullptr ? static_cast<std::size_t>(lf - line) : visible - scan.searched;
    if (scan.searched == 0 && length > max_first_line) {
      return {ParseState::kError, 0, long_first_line_status, "the first line is too long"};
    }
    if (lf == nullptr) break;
    if (length == 0 || lf[-1] != '\r') {
      return {ParseState::kError, 0, 400, "a line ends without carriage return"};
    }
    scan.searched += length + 1;
    if (length == 1) return {ParseState::kDone, scan.searched, 0, {}};
  }
  if (bytes.size() > limits.max_bytes) {
    return {ParseState::kError, 0, 431, "the header block is too large"};
  }
  return {};
}

// The framing facts that header fields carry, collected while they are parsed.
struct FramingFields {
  std::optional<std::uint64_t> content_length;
  std::size_t num_transfer_encoding = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  std::size_t num_host = 0;
  std::string_view host;
  std::string_view expect;
};

// Looks at the few fields that decide about framing. Returns a reason to refuse, or "".
std::string_view note_field(std::string_view name, std::string_view value, FramingFields& facts) {
  switch (name.size()) {
    case 4:
      if (equals_ignore_case(name, "host")) {
        ++facts.num_host;
        facts.host = value;
      }
      break;
    case 6:
      if (equals_ignore_case(name, "expect")) facts.expect = value;
      break;
    case 10:
      if (equals_ignore_case(name, "connection")) {
        facts.close |= http::list_has_token(value, "close");
        facts.keep_alive |= http::list_has_token(value, "keep-alive");
      }
      break;
    case 14:
      if (equals_ignore_case(name, "content-length")) {
        if (facts.content_length.has_value()) return "Content-Length is repeated";
        facts.content_length = http::parse_length(value);
        if (!facts.content_length) return "Content-Length is not a number";
      }
      break;
    case 17:
      if (equals_ignore_case(name, "transfer-encoding")) {
        ++facts.num_transfer_encoding;
        facts.chunked = equals_ignore_case(value, "chunked");
      }
      break;
    default:
      break;
  }
  return {};
}

// Parses the lines after the first one. `block` is stored in `headers` and ends with the empty
// line.
ParseOutcome parse_fields(std::string_view block, const HeadLimits& limits, http::Headers& headers,
                          FramingFields& facts) {
  std::size_t count = 0;
  while (block.size() > 2) {
    const std::size_t lf = block.find('\n');
    const std::string_view line = block.substr(0, lf - 1);  // without CRLF
    block.remove_prefix(lf + 1);
    if (line.front() == ' ' || line.front() == '\t') {
      return refuse(400, "a header line is folded");
    }
    const std::size_t colon = http::token_prefix(line);
    if (colon == 0 || colon == line.size() || line[colon] != ':') {
      return refuse(400, line.find(':') == std::string_view::npos
                             ? "a header line has no colon"
                             : "a header name has an invalid character");
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!http::is_field_value(value)) {
      return refuse(400, "a header value has an invalid character");
    }
    if (++count > limits.max_fields) return refuse(431, "there are too many header fields");
    if (const auto reason = note_field(name, value, facts); !reason.empty()) {
      return refuse(400, reason);
    }
    headers.add_stored(name, value);
  }
  return {ParseState::kDone, 0, 0, {}};
}

// "HTTP/1.1" -> kDone; sets version.
ParseOutcome parse_version(std::string_view text, http::Version& version) {
  if (text == "HTTP/1.1") {
    version = http::Version::kHttp11;
  } else if (text == "HTTP/1.0") {
    version = http::Version::kHttp10;
  } else if (text.size() == 8 && text.starts_with("HTTP/") && text[5] >= '0' && text[5] <= '9' &&
             text[6] == '.' && text[7] >= '0' && text[7] <= '9') {
    return refuse(505, "the HTTP version is not supported");
  } else {
    return refuse(400, "the HTTP version is malformed");
  }
  return {ParseState::kDone, 0, 0, {}};
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_valid_host(std::string_view host) {
  return is_visible_ascii(host) && host.find_first_of("/\\@?#,\"<>^`{|}") == std::string_view::npos;
}

// Turns "http://authority/path" into origin form; the authority wins over Host.
ParseOutcome take_absolute_form(std::string_view target, http::RequestHead& head,
                                FramingFields& facts) {
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return refuse(400, "the request target is malformed");
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignore_case(scheme, "http") && !equals_ignore_case(scheme, "https")) {
    return refuse(400, "the request target has an unknown scheme");
  }
  std::string_view rest = target.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  rest.remove_prefix(authority_end);
  if (authority.empty() || !is_valid_host(authority)) {
    return refuse(400, "the request target has no valid authority");
  }
  facts.host = authority;
  head.headers.set("Host", authority);
  head.target.assign(rest.starts_with('/') ? "" : "/");
  head.target.append(rest);
  return {ParseState::kDone, 0, 0, {}};
}

ParseOutcome check_target(std::string_view target, http::RequestHead& head, FramingFields& facts) {
  if (!is_visible_ascii(target) || target.find('#') != std::string_view::npos) {
    return refuse(400, "the request target has an invalid character");
  }
  if (head.method == "CONNECT") return refuse(403, "CONNECT is not supported");
  if (target.front() == '/' || (target == "*" && head.method == "OPTIONS")) {
    head.target.assign(target);
    return {ParseState::kDone, 0, 0, {}};
  }
  return take_absolute_form(target, head, facts);
}

// RFC 9112 section 6.3 for requests, without the tolerant readings.
ParseOutcome frame_request(const FramingFields& facts, http::Version version, BodyFraming& body) {
  body = {};
  if (facts.num_transfer_encoding > 0) {
    if (facts.content_length.has_value()) {
      return refuse(400, "Content-Length and Transfer-Encoding are both present");
    }
    if (version == http::Version::kHttp10) {
      return refuse(400, "Transfer-Encoding is not allowed in HTTP/1.0");
    }
    if (facts.num_transfer_encoding > 1) return refuse(400, "Transfer-Encoding is repeated");
    if (!facts.chunked) return refuse(501, "the transfer coding is not supported");
    body.kind = BodyKind::kChunked;
  } else if (facts.content_length.value_or(0) > 0) {
    body = {BodyKind::kLength, *facts.content_length};
  }
  return {ParseState::kDone, 0, 0, {}};
}

}  // namespace

ParseOutcome parse_request_head(std::string_view bytes, const HeadLimits& limits, ScanState& scan,
                                ParsedRequest& out) {
  // RFC 9112 section 2.2: one or more empty lines before a request line are ignored.
  constexpr std::size_t kMaxSkipped = 8;
  while (scan.searched == 0 && scan.skipped < kMaxSkipped) {
    const std::string_view rest = bytes.substr(std::min(scan.skipped, bytes.size()));
    if (rest.empty() || rest == "\r") return {};
    if (!rest.starts_with("\r\n")) break;
    scan.skipped += 2;
  }
  const std::string_view text = bytes.substr(scan.skipped);
  if (text.empty()) return {};
  if (!http::is_token(text.substr(0, 1))) return refuse(400, "the request line is malformed");

  const HeadEnd found =
      find_end(text, limits, limits.max_target_bytes + kMethodAndVersionBytes, 414, scan);
  if (found.state == ParseState::kNeedMore) return {};
  if (found.state == ParseState::kError) return refuse(found.status, found.reason);

  http::RequestHead& head = *out.head;
  head.clear();
  const std::size_t line_end = text.find('\n');
  const std::string_view line = text.substr(0, line_end - 1);
  const std::size_t first_space = line.find(' ');
  const std::size_t last_space = line.rfind(' ');
  if (first_space == std::string_view::npos || first_space == last_space) {
    return refuse(400, "the request line is malformed");
  }
  const std::string_view method = line.substr(0, first_space);
  const std::string_view target = line.substr(first_space + 1, last_space - first_space - 1);
  if (!http::is_token(method) || target.empty()) {
    return refuse(400, "the request line is malformed");
  }
  if (method.size() > 32) return refuse(501, "the method is not supported");
  head.method.assign(method);
  if (auto version = parse_version(line.substr(last_space + 1), head.version);
      version.state == ParseState::kError) {
    return version;
  }
  if (head.version == http::Version::kHttp10 && !limits.allow_http10) {
    return refuse(426, "HTTP/1.0 is not accepted");
  }
  if (target.size() > limits.max_target_bytes) return refuse(414, "the target is too long");

  FramingFields facts;
  const std::string_view stored =
      head.headers.store(text.substr(line_end + 1, found.end - line_end - 1));
  if (auto fields = parse_fields(stored, limits, head.headers, facts);
      fields.state == ParseState::kError) {
    return fields;
  }
  if (facts.num_host > 1) return refuse(400, "Host is repeated");
  if (facts.num_host == 0 && head.version == http::Version::kHttp11) {
    return refuse(400, "Host is missing");
  }
  if (!is_valid_host(facts.host)) return refuse(400, "Host has an invalid character");
  if (auto checked = check_target(target, head, facts); checked.state == ParseState::kError) {
    return checked;
  }
  if (auto framed = frame_request(facts, head.version, out.body);
      framed.state == ParseState::kError) {
    return framed;
  }
  out.expect_continue = false;
  if (!facts.expect.empty()) {
    if (!equals_ignore_case(facts.expect, "100-continue")) {
      return refuse(417, "the expectation is not supported");
    }
    // HTTP/1.0 clients do not understand 100 Continue.
    out.expect_continue =
        out.body.kind != BodyKind::kNone && head.version == http::Version::kHttp11;
  }
  out.keep_alive = !facts.close && (head.version == http::Version::kHttp11 || facts.keep_alive);
  return {ParseState::kDone, scan.skipped + found.end, 0, {}};
}

ParseOutcome parse_response_head(std::string_view bytes, std::string_view request_method,
                                 const HeadLimits& limits, ScanState& scan, ParsedResponse& out) {
  constexpr std::string_view kStart = "HTTP/1.";
  const std::size_t seen = std::min(bytes.size(), kStart.size());
  if (bytes.substr(0, seen) != kStart.substr(0, seen)) {
    return refuse(502, "the response does not begin with HTTP/1");
  }
  const HeadEnd found = find_end(bytes, limits, limits.max_target_bytes, 502, scan);
  if (found.state == ParseState::kNeedMore) return {};
  if (found.state == ParseState::kError) return refuse(502, found.reason);

  http::ResponseHead& head = *out.head;
  head.clear();
  const std::size_t line_end = bytes.find('\n');
  const std::string_view line = bytes.substr(0, line_end - 1);
  // "HTTP/1.1 200 OK"; the reason, and the space before it, may be missing.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return refuse(502, "the status line is malformed");
  }
  if (auto version = parse_version(line.substr(0, 8), head.version);
      version.state == ParseState::kError) {
    return refuse(502, version.reason);
  }
  int status = 0;
  for (char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return refuse(502, "the status is not a number");
    status = status * 10 + (c - '0');
  }
  if (status < 100) return refuse(502, "the status is below 100");
  head.status = status;
  const std::string_view reason = line.substr(std::min<std::size_t>(13, line.size()));
  if (!http::is_field_value(reason)) return refuse(502, "the reason has an invalid character");
  head.reason.assign(reason);

  FramingFields facts;
  const std::string_view stored =
      head.headers.store(bytes.substr(line_end + 1, found.end - line_end - 1));
  if (auto fields = parse_fields(stored, limits, head.headers, facts);
      fields.state == ParseState::kError) {
    return refuse(502, fields.reason);
  }
  if (facts.num_transfer_encoding > 0 && facts.content_length.has_value()) {
    return refuse(502, "Content-Length and Transfer-Encoding are both present");
  }
  if (facts.num_transfer_encoding > 1 || (facts.num_transfer_encoding == 1 && !facts.chunked)) {
    return refuse(502, "the transfer coding is not supported");
  }
  if (facts.chunked && head.version == http::Version::kHttp10) {
    return refuse(502, "Transfer-Encoding is not allowed in HTTP/1.0");
  }
  out.body = {};
  if (request_method == "HEAD" || !http::status_allows_body(status)) {
    out.body.kind = BodyKind::kNone;
  } else if (facts.chunked) {
    out.body.kind = BodyKind::kChunked;
  } else if (!facts.content_length.has_value()) {
    out.body.kind = BodyKind::kUntilClose;
  } else if (*facts.content_length > 0) {
    out.body = {BodyKind::kLength, *facts.content_length};
  }
  out.keep_alive = !facts.close && out.body.kind != BodyKind::kUntilClose &&
                   (head.version == http::Version::kHttp11 || facts.keep_alive);
  return {ParseState::kDone, found.end, 0, {}};
}

}  // namespace nacelle::net::http1
