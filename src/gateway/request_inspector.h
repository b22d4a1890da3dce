// request_inspector.h: what routing needs from a request body, without decoding the rest.
//
// The prompt is a view of the raw JSON value (`prompt`, `messages`, `input` or `token_ids`): equal
// prefixes of text are equal prefixes of bytes, and nothing is copied. A body that is not an object
// with these fields yields empty views: it is the engine's to refuse.
//
// Home:    one per loop; views are valid until the body changes. Not thread-safe.
// Cost:    one simdjson pass over the body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nacelle::gateway {

struct RequestFacts {
  std::string model;
  std::string cache_salt;
  std::string_view prompt;
  std::uint64_t max_output_tokens = 0;  // 0: the client named none
  bool stream = false;
};

class RequestInspector {
 public:
  RequestInspector();
  ~RequestInspector();
  RequestInspector(const RequestInspector&) = delete;
  RequestInspector& operator=(const RequestInspector&) = delete;

  // May append padding to `body`'s spare capacity; its size stays.
  [[nodiscard]] RequestFacts inspect(std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The same of a form with audio, which names its model in a field; empty for anything else.
[[nodiscard]] RequestFacts form_facts(std::string_view content_type, std::string_view body);

}  // namespace nacelle::gateway
