// head_builder.h: strict HTTP/2 header blocks into the heads that handlers know.
//
// nghttp2 decodes HPACK and checks the basic rules of RFC 9113 section 8; this repeats every rule
// that a forwarder's HTTP/1 side depends on, so that no request reaches a handler that could not
// have been written as one HTTP/1.1 head: no upper-case or non-token names, no CR, LF or NUL in
// values, no connection-specific fields, TE only "trailers", pseudo-fields once and first, no
// Content-Length twice, an :authority that equals Host.
//
// Pure. A field that breaks a rule makes the whole head refused; later fields are not stored.
// Source:  RFC 9113 section 8; RFC 9110 section 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/http/message.h"
#include "net/http1/head_parser.h"

namespace nacelle::net::http2 {

using http1::HeadLimits;

// What was wrong, for an answer or a log. Reset streams have no answer: `malformed`.
struct HeadError {
  int status = 0;  // 0: none; what to answer: 400, 403, 414, 417, 431, 501
  std::string_view reason;
};

struct RequestFacts {
  std::optional<std::uint64_t> content_length;
  bool expect_continue = false;
};

class RequestHeadBuilder {
 public:
  // Begins a head; `head` is cleared and filled.
  void begin(http::RequestHead& head, const HeadLimits& limits);
  void add(std::string_view name, std::string_view value);
  // After the last field. `end_stream`: no body follows.
  HeadError finish(bool end_stream);

  [[nodiscard]] const RequestFacts& facts() const { return facts_; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);
  void refuse(int status, std::string_view reason);
  HeadError check_target();

  http::RequestHead* head_ = nullptr;
  HeadLimits limits_;
  HeadError error_;
  RequestFacts facts_;
  std::string_view scheme_, authority_, path_, host_, expect_, cookie_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  bool has_method_ = false;
  bool has_scheme_ = false;
  bool has_authority_ = false;
  bool has_path_ = false;
  bool has_host_ = false;
  bool regular_ = false;  // a field that is no pseudo-field came
};

class ResponseHeadBuilder {
 public:
  void begin(http::ResponseHead& head, const HeadLimits& limits);
  void add(std::string_view name, std::string_view value);
  HeadError finish();

  [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }

 private:
  http::ResponseHead* head_ = nullptr;
  HeadLimits limits_;
  HeadError error_;
  std::optional<std::uint64_t> content_length_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  bool has_status_ = false;
  bool regular_ = false;
};

// Fields behind a body: no pseudo-fields, none that frames or routes a message.
class TrailerBuilder {
 public:
  void begin(http::Headers& trailers, const HeadLimits& limits);
  void add(std::string_view name, std::string_view value);
  [[nodiscard]] HeadError finish() const { return error_; }

 private:
  http::Headers* trailers_ = nullptr;
  HeadLimits limits_;
  HeadError error_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
};

// True for fields that belong to one HTTP/1 connection and never appear in HTTP/2.
[[nodiscard]] bool is_connection_field(std::string_view name);

}  // namespace nacelle::net::http2
