// translator.h: one request of a client in the dialect of one backend, and its answer back.
//
//   auto translator = make_translator(Endpoint::kChatCompletions, backend, context);
//   auto upstream = (*translator)->request(client_body);  // path, headers, body
//   auto plan = (*translator)->response_head({status, content_type});
//   while (piece) RETURN_IF_ERROR((*translator)->chunk(piece, out));  // bytes for the client
//   RETURN_IF_ERROR((*translator)->end(out));
//   charge((*translator)->usage());
//
// A pair that the matrix does not have is refused by make_translator() (422).
//
// One object serves one attempt: a retry makes a new one from the client's body, which is never
// changed. Where both sides speak the same schema, bytes pass and only `model` is edited where it
// stands. Answers that are no stream, and all errors, are held until end(); the head that
// response_head() plans says so, since their length changes.
//
// Home:    one connection's loop. Pure: no clock, socket or random device.
// Errors:  invalid_argument: the body is malformed (400); unimplemented: it cannot be said in the
//          backend's schema (422); out_of_range: an answer beyond the bound; data_loss: an answer
//          that is not what the schema promises (502, or an error event once a stream has begun).
// Bounds:  Context::max_answer_bytes for what is held back, 1 MiB for one event of a stream.
// Source:  gateway.md section 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "provider/schema.h"
#include "provider/usage.h"

namespace nacelle::provider {

struct HeaderField {
  std::string name;
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

struct Context {
  // Unique per request, 32 hex digits by convention: ids of answers and tool calls derive from it.
  std::string request_id;
  std::int64_t created = 0;  // Unix seconds, for backends that name no time
  // The name the client knows the model by; "" leaves the backend's name in answers.
  std::string client_model;
  // Ask an OpenAI backend for usage in streams although the client did not: some cost is
  // configured.
  bool want_usage = false;
  std::string anthropic_beta;  // the client's header of that name
  std::string content_type;    // the client's; names the boundary of a form
  std::size_t max_answer_bytes = std::size_t{50} << 20;
};

struct UpstreamRequest {
  std::string path;                  // see path_of() for GCP's missing prefix
  std::vector<HeaderField> headers;  // set over the client's; content-length is the sender's
  std::string body;
  std::string model;  // what the backend is asked for
  Delivery delivery = Delivery::kWhole;
};

// What the backend answered with, as far as a translator cares.
struct UpstreamHead {
  int status = 200;
  std::string_view content_type;
  std::string_view amzn_request_id;  // x-amzn-requestid
  std::string_view amzn_error_type;  // x-amzn-errortype
};

// What the client gets as head. `rewritten`: the upstream's content-length and content-encoding do
// not hold any more.
struct ResponsePlan {
  int status = 200;
  std::string content_type;  // "" = as upstream
  bool rewritten = false;
  Delivery delivery = Delivery::kWhole;
};

class Translator {
 public:
  virtual ~Translator() = default;

  [[nodiscard]] virtual Result<UpstreamRequest> request(std::string_view body) = 0;

  [[nodiscard]] virtual ResponsePlan response_head(const UpstreamHead& head) = 0;

  // Appends to `out` what the client gets for this piece; often nothing.
  [[nodiscard]] virtual Status chunk(std::string_view piece, std::string& out) = 0;
  [[nodiscard]] virtual Status end(std::string& out) = 0;

  // So far; final after end().
  [[nodiscard]] virtual const TokenUsage& usage() const = 0;
  // The name the backend gave itself; "" = not seen.
  [[nodiscard]] virtual const std::string& response_model() const = 0;
};

// unimplemented when the matrix has no such pair.
[[nodiscard]] Result<std::unique_ptr<Translator>> make_translator(Endpoint endpoint,
                                                                  const Backend& backend,
                                                                  const Context& context);

}  // namespace nacelle::provider
