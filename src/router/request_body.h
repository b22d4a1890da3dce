// request_body.h: what a picker needs to know of a request's body, by the API that its path names.
//
// The last segments of the path choose the API, as upstream's parsers do; a path that none of them
// claims is passed through: no model, no prompt, least load decides.
//
// Home:    pure; one reader per loop, since its parser keeps memory.
// Errors:  invalid_argument with the text of a 400: broken JSON, or a field that the API needs.
// Source:  router.md section 19.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::router {

enum class Api : std::uint8_t {
  kChat,
  kCompletions,
  kEmbeddings,
  kResponses,
  kMessages,     // Anthropic
  kCountTokens,  // Anthropic: passed through, and its answer is not looked at
  kGenerate,     // vLLM's inference/v1/generate
  kOther,
};

// `path` may carry a query. "" stands for /v1/completions.
[[nodiscard]] Api api_of(std::string_view path);

struct RequestBody {
  Api api = Api::kOther;
  std::string model;  // "" when the body names none
  std::string cache_salt;
  bool stream = false;
  std::uint64_t max_output_tokens = 0;  // 0: the client named none
  std::string_view prompt;              // its JSON text within the body
  [[nodiscard]] bool needs_model() const { return api != Api::kOther && api != Api::kCountTokens; }
};

class RequestBodyReader {
 public:
  RequestBodyReader();
  ~RequestBodyReader();

  // May grow the body's capacity, not its text.
  [[nodiscard]] Result<RequestBody> read(std::string_view path, std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The body asking for another model. Like upstream's serialiser: keys sorted, no white space, and
// '<', '>', '&' as \u003c, \u003e, \u0026.
[[nodiscard]] Result<std::string> with_model(std::string_view body, std::string_view model);

}  // namespace nacelle::router
