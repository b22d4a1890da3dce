// schema.h: the dialects that model providers speak, and where each endpoint lives in them.
//
// A client speaks OpenAI or Anthropic, told by its path; a backend speaks the schema of its
// configuration. `path_of` is the matrix of gateway.md section 8.1 plus the pairs that this
// gateway adds: chat completions and tokenize to the Anthropic API itself, and messages and their
// count to every chat backend.
//
// Home:    values and pure functions; any thread.
// Errors:  unimplemented for a cell of the matrix that is blank: the client gets 422.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::provider {

enum class Schema : std::uint8_t {
  kOpenAi,
  kAzureOpenAi,
  kAnthropic,
  kAwsBedrock,    // Converse
  kAwsAnthropic,  // InvokeModel with an Anthropic body
  kGcpVertexAi,   // Gemini
  kGcpAnthropic,  // rawPredict with an Anthropic body
  kCohere,
};

// "OpenAI", "AzureOpenAI", ...: the names of AIServiceBackend.spec.schema.name, exact.
[[nodiscard]] std::string_view to_string(Schema schema);
[[nodiscard]] std::optional<Schema> schema_of(std::string_view name);

// gen_ai.provider.name of metrics and spans.
[[nodiscard]] std::string_view provider_name(Schema schema);

enum class Endpoint : std::uint8_t {
  kChatCompletions,
  kCompletions,
  kEmbeddings,
  kResponses,
  kResponsesInputTokens,
  kTokenize,
  kImages,
  kSpeech,
  kTranscription,  // a form
  kTranslation,    // a form
  kMessages,
  kCountTokens,
  kRerank,
};

// gen_ai.operation.name.
[[nodiscard]] std::string_view operation_name(Endpoint endpoint);

// The endpoint of a client's path without query, below the prefixes "", "/anthropic" and "/cohere".
[[nodiscard]] std::optional<Endpoint> endpoint_of(std::string_view path);

// True for answers that may come as a stream of events.
[[nodiscard]] bool may_stream(Endpoint endpoint);

// Audio and images: answers that may be no JSON and name no model.
[[nodiscard]] bool is_media(Endpoint endpoint);

enum class Dialect : std::uint8_t { kOpenAi, kAnthropic, kCohere };
[[nodiscard]] Dialect client_dialect(Endpoint endpoint);

// What a translator needs to know of the backend (AIServiceBackend.spec.schema).
struct Backend {
  Schema schema = Schema::kOpenAi;
  std::string version;         // api-version, anthropic_version or Cohere's path version
  std::string prefix = "v1";   // OpenAI and Anthropic only; no slashes at its ends
  std::string model_override;  // "" = the client's model
};

enum class Delivery : std::uint8_t { kWhole, kStreamed };

// The upstream path of one request. GCP paths begin at "publishers/": upstream auth puts
// /v1/projects/{project}/locations/{region}/ in front.
[[nodiscard]] Result<std::string> path_of(Endpoint endpoint, const Backend& backend,
                                          std::string_view model, Delivery delivery);

// Gemini embeds with :embedContent from its second generation of embedding models on, else
// :predict.
[[nodiscard]] bool uses_embed_content(std::string_view model);

// Percent-encodes everything but unreserved characters (RFC 3986): a model id as one path segment.
[[nodiscard]] std::string escape_path_segment(std::string_view text);

}  // namespace nacelle::provider
