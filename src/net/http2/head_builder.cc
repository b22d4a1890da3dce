#include "net/http2/head_builder.h"
#include "net/http/content_length.h"

#include <algorithm>
#include <string>
#include <utility>

namespace nacelle::net::http2 {

using http::equals_ignore_case;

namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2 counts fields like this

bool is_lower_token(std::string_view name) {
  return http::is_token(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_outer_space(std::string_view value) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  return !value.empty() && (space(value.front()) || space(value.back()));
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_valid_host(std::string_view host) {
  return is_visible_ascii(host) && host.find_first_of("/\\@?#,\"<>^`{|}") == std::string_view::npos;
}

// The rules that every field of every block keeps. Returns a reason to refuse, or "".
std::string_view check_field(std::string_view name, std::string_view value) {
  if (!is_lower_token(name)) return "a header name has an invalid character";
  if (!http::is_field_value(value) || has_outer_space(value)) {
    return "a header value has an invalid character";
  }
  if (is_connection_field(name)) return "a connection-specific header field is present";
  if (name == "te" && !equals_ignore_case(value, "trailers")) return "TE is not \"trailers\"";
  return {};
}

// Counts a field against the limits; a reason to refuse, or "".
std::string_view count_field(std::string_view name, std::string_view value,
                             const HeadLimits& limits, std::size_t& bytes, std::size_t& fields) {
  bytes += name.size() + value.size() + kFieldOverhead;
  ++fields;
  if (bytes > limits.max_bytes) return "the header block is too large";
  if (fields > limits.max_fields) return "there are too many header fields";
  return {};
}

void append(http::Headers& headers, std::string_view name, std::string_view value) {
  headers.add_stored(headers.store(name), headers.store(value));
}

}  // namespace

bool is_connection_field(std::string_view name) {
  switch (name.size()) {
    case 7:
      return equals_ignore_case(name, "upgrade");
    case 10:
      return equals_ignore_case(name, "connection") || equals_ignore_case(name, "keep-alive");
    case 16:
      return equals_ignore_case(name, "proxy-connection");
    case 17:
      return equals_ignore_case(name, "transfer-encoding");
    default:
      return false;
  }
}

// ---- requests

void RequestHeadBuilder::begin(http::RequestHead& head, const HeadLimits& limits) {
  *this = {};
  head_ = &head;
  limits_ = limits;
  head.clear();
  head.method.clear();
  head.target.clear();
  head.version = http::Version::kHttp2;
}

void RequestHeadBuilder::refuse(int status, std::string_view reason) {
  if (error_.status == 0) error_ = {status, reason};
}

void RequestHeadBuilder::add(std::string_view name, std::string_view value) {
  if (error_.status != 0) return;
  if (const auto why = count_field(name, value, limits_, bytes_, fields_); !why.empty()) {
    refuse(431, why);
    return;
  }
  if (name.starts_with(':')) {
    add_pseudo(name, value);
    return;
  }
  regular_ = true;
  if (const auto why = check_field(name, value); !why.empty()) {
    refuse(400, why);
    return;
  }
  if (name == "host") {
    if (has_host_) return refuse(400, "Host is repeated");
    has_host_ = true;
    host_ = head_->headers.store(value);
    return;  // put in front by finish()
  }
  if (name == "content-length") {
    if (facts_.content_length.has_value()) return refuse(400, "Content-Length is repeated");
    facts_.content_length = http::parse_length(value);
    if (!facts_.content_length) return refuse(400, "Content-Length is not a number");
  } else if (name == "expect") {
    expect_ = head_->headers.store(value);
  } else if (name == "cookie" && !cookie_.empty()) {
    // RFC 9113 section 8.2.3: crumbs become one field before anything else sees them.
    std::string joined;
    joined.reserve(cookie_.size() + 2 + value.size());
    joined.append(cookie_).append("; ").append(value);
    head_->headers.set("cookie", joined);
    cookie_ = head_->headers.get("cookie");
    return;
  }
  append(head_->headers, name, value);
  if (name == "cookie") cookie_ = head_->headers.get("cookie");
}

void RequestHeadBuilder::add_pseudo(std::string_view name, std::string_view value) {
  if (regular_) return refuse(400, "a pseudo-header field follows regular ones");
  if (!is_visible_ascii(value))
    return refuse(400, "a pseudo-header field has an invalid character");
  if (name == ":method") {
    if (std::exchange(has_method_, true)) return refuse(400, ":method is repeated");
    if (!http::is_token(value)) return refuse(400, "the method is malformed");
    if (value.size() > 32) return refuse(501, "the method is not supported");
    head_->method.assign(value);
  } else if (name == ":scheme") {
    if (std::exchange(has_scheme_, true)) return refuse(400, ":scheme is repeated");
    scheme_ = head_->headers.store(value);
  } else if (name == ":authority") {
    if (std::exchange(has_authority_, true)) return refuse(400, ":authority is repeated");
    authority_ = head_->headers.store(value);
  } else if (name == ":path") {
    if (std::exchange(has_path_, true)) return refuse(400, ":path is repeated");
    if (value.size() > limits_.max_target_bytes) return refuse(414, "the target is too long");
    head_->target.assign(value);
  } else {
    refuse(400, "a pseudo-header field is unknown");
  }
}

HeadError RequestHeadBuilder::check_target() {
  const std::string& target = head_->target;
  if (target.empty() || target.find('#') != std::string::npos) {
    return {400, "the request target is malformed"};
  }
  if (target.front() == '/' || (target == "*" && head_->method == "OPTIONS")) return {};
  return {400, "the request target is malformed"};
}

HeadError RequestHeadBuilder::finish(bool end_stream) {
  if (error_.status != 0) return error_;
  if (!has_method_) return {400, ":method is missing"};
  if (head_->method == "CONNECT") return {403, "CONNECT is not supported"};
  if (!has_scheme_ || !has_path_) return {400, ":scheme or :path is missing"};
  if (!equals_ignore_case(scheme_, "http") && !equals_ignore_case(scheme_, "https")) {
    return {400, ":scheme is unknown"};
  }
  if (const HeadError error = check_target(); error.status != 0) return error;
  if (has_authority_ && has_host_ && !equals_ignore_case(authority_, host_)) {
    return {400, ":authority and Host differ"};
  }
  const std::string_view host = has_authority_ ? authority_ : host_;
  if (host.empty()) return {400, ":authority and Host are missing"};
  if (!is_valid_host(host)) return {400, "Host has an invalid character"};
  head_->headers.prepend_stored("host", host);
  if (!expect_.empty()) {
    if (!equals_ignore_case(expect_, "100-continue")) {
      return {417, "the expectation is not supported"};
    }
    facts_.expect_continue = !end_stream;
  }
  if (end_stream && facts_.content_length.value_or(0) > 0) {
    return {400, "Content-Length differs from the body"};
  }
  return {};
}

// ---- responses

void ResponseHeadBuilder::begin(http::ResponseHead& head, const HeadLimits& limits) {
  *this = {};
  head_ = &head;
  limits_ = limits;
  head.clear();
  head.version = http::Version::kHttp2;
}

void ResponseHeadBuilder::add(std::string_view name, std::string_view value) {
  if (error_.status != 0) return;
  if (const auto why = count_field(name, value, limits_, bytes_, fields_); !why.empty()) {
    error_ = {502, why};
    return;
  }
  if (name == ":status") {
    const auto status = http::parse_length(value).value_or(0);
    if (std::exchange(has_status_, true) || regular_ || value.size() != 3 || status < 100) {
      error_ = {502, ":status is malformed"};
      return;
    }
    head_->status = static_cast<int>(status);
    return;
  }
  regular_ = true;
  if (const auto why = check_field(name, value); !why.empty()) {
    error_ = {502, why};
    return;
  }
  if (name == "content-length") {
    const auto length = http::parse_length(value);
    if (content_length_.has_value() || !length) {
      error_ = {502, "Content-Length is malformed"};
      return;
    }
    content_length_ = length;
  }
  append(head_->headers, name, value);
}

HeadError ResponseHeadBuilder::finish() {
  if (error_.status != 0) return error_;
  if (!has_status_) return {502, ":status is missing"};
  return {};
}

// ---- trailers

void TrailerBuilder::begin(http::Headers& trailers, const HeadLimits& limits) {
  *this = {};
  trailers_ = &trailers;
  limits_ = limits;
  trailers.clear();
}

void TrailerBuilder::add(std::string_view name, std::string_view value) {
  if (error_.status != 0) return;
  if (const auto why = count_field(name, value, limits_, bytes_, fields_); !why.empty()) {
    error_ = {431, why};
  } else if (const auto bad = check_field(name, value); !bad.empty()) {
    error_ = {400, bad};
  } else if (name == "content-length" || name == "host") {
    error_ = {400, "a trailer field frames or routes a message"};
  } else {
    append(*trailers_, name, value);
  }
}

}  // namespace nacelle::net::http2
