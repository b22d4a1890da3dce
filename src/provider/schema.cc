#include "provider/schema.h"

#include <array>
#include <utility>

namespace nacelle::provider {

namespace {

constexpr std::array<std::pair<Schema, std::string_view>, 8> kSchemaNames{{
    {Schema::kOpenAi, "OpenAI"},
    {Schema::kAzureOpenAi, "AzureOpenAI"},
    {Schema::kAnthropic, "Anthropic"},
    {Schema::kAwsBedrock, "AWSBedrock"},
    {Schema::kAwsAnthropic, "AWSAnthropic"},
    {Schema::kGcpVertexAi, "GCPVertexAI"},
    {Schema::kGcpAnthropic, "GCPAnthropic"},
    {Schema::kCohere, "Cohere"},
}};

struct EndpointRow {
  Endpoint endpoint;
  std::string_view path;
  std::string_view operation;
};
constexpr std::array<EndpointRow, 13> kEndpoints{{
    {Endpoint::kChatCompletions, "/v1/chat/completions", "chat"},
    {Endpoint::kCompletions, "/v1/completions", "completion"},
    {Endpoint::kEmbeddings, "/v1/embeddings", "embeddings"},
    {Endpoint::kResponses, "/v1/responses", "responses"},
    {Endpoint::kResponsesInputTokens, "/v1/responses/input_tokens", "responses_input_tokens"},
    {Endpoint::kTokenize, "/tokenize", "tokenize"},
    {Endpoint::kImages, "/v1/images/generations", "image_generation"},
    {Endpoint::kSpeech, "/v1/audio/speech", "speech"},
    {Endpoint::kTranscription, "/v1/audio/transcriptions", "transcription"},
    {Endpoint::kTranslation, "/v1/audio/translations", "translation"},
    {Endpoint::kMessages, "/anthropic/v1/messages", "messages"},
    {Endpoint::kCountTokens, "/anthropic/v1/messages/count_tokens", "count_tokens"},
    {Endpoint::kRerank, "/cohere/v2/rerank", "rerank"},
}};

std::string_view path_of_client(Endpoint endpoint) {
  for (const EndpointRow& row : kEndpoints) {
    if (row.endpoint == endpoint) return row.path;
  }
  return {};
}

Status blank_cell(Endpoint endpoint, Schema schema) {
  return unimplemented("{} cannot be translated for a backend of schema {}",
                       path_of_client(endpoint), to_string(schema));
}

bool is_generation(Endpoint endpoint) {
  return endpoint == Endpoint::kChatCompletions || endpoint == Endpoint::kMessages;
}

bool counts(Endpoint endpoint) {
  return endpoint == Endpoint::kTokenize || endpoint == Endpoint::kCountTokens;
}

// The part after the prefix: "chat/completions" of "/v1/chat/completions".
std::string under_prefix(const Backend& backend, std::string_view rest) {
  return backend.prefix.empty() ? fmt::format("/{}", rest)
                                : fmt::format("/{}/{}", backend.prefix, rest);
}

Result<std::string> openai_path(Endpoint endpoint, const Backend& backend) {
  switch (endpoint) {
    case Endpoint::kChatCompletions:
    case Endpoint::kMessages:
      return under_prefix(backend, "chat/completions");
    case Endpoint::kCompletions:
      return under_prefix(backend, "completions");
    case Endpoint::kEmbeddings:
      return under_prefix(backend, "embeddings");
    case Endpoint::kResponses:
      return under_prefix(backend, "responses");
    case Endpoint::kResponsesInputTokens:
      return under_prefix(backend, "responses/input_tokens");
    case Endpoint::kTokenize:
    case Endpoint::kCountTokens:
      return std::string("/tokenize");
    case Endpoint::kImages:
      return under_prefix(backend, "images/generations");
    case Endpoint::kSpeech:
      return under_prefix(backend, "audio/speech");
    case Endpoint::kTranscription:
      return under_prefix(backend, "audio/transcriptions");
    case Endpoint::kTranslation:
      return under_prefix(backend, "audio/translations");
    case Endpoint::kRerank:
      break;
  }
  return blank_cell(endpoint, backend.schema);
}

Result<std::string> azure_path(Endpoint endpoint, const Backend& backend, std::string_view model) {
  const std::string deployment = escape_path_segment(model);
  switch (endpoint) {
    case Endpoint::kChatCompletions:
    case Endpoint::kMessages:
      return fmt::format("/openai/deployments/{}/chat/completions?api-version={}", deployment,
                         backend.version);
    case Endpoint::kEmbeddings:
      return fmt::format("/openai/deployments/{}/embeddings?api-version={}", deployment,
                         backend.version);
    case Endpoint::kResponses:
      return fmt::format("/openai/responses?api-version={}", backend.version);
    case Endpoint::kResponsesInputTokens:
      return fmt::format("/openai/responses/input_tokens?api-version={}", backend.version);
    default:
      return blank_cell(endpoint, backend.schema);
  }
}

Result<std::string> count_path(Schema schema, const std::string& id) {
  switch (schema) {
    case Schema::kAwsBedrock:
    case Schema::kAwsAnthropic:
      return fmt::format("/model/{}/count-tokens", id);
    case Schema::kGcpVertexAi:
      return fmt::format("publishers/google/models/{}:countTokens", id);
    default:
      return std::string("publishers/anthropic/models/count-tokens:rawPredict");
  }
}

Result<std::string> embeddings_path(Schema schema, std::string_view model, const std::string& id) {
  if (schema == Schema::kAwsBedrock) return fmt::format("/model/{}/invoke", id);
  if (schema == Schema::kGcpVertexAi) {
    return fmt::format("publishers/google/models/{}:{}", id,
                       uses_embed_content(model) ? "embedContent" : "predict");
  }
  return blank_cell(Endpoint::kEmbeddings, schema);
}

Result<std::string> cloud_path(Endpoint endpoint, Schema schema, std::string_view model,
                               Delivery delivery) {
  const bool streamed = delivery == Delivery::kStreamed;
  const std::string id = escape_path_segment(model);
  if (counts(endpoint)) return count_path(schema, id);
  if (endpoint == Endpoint::kEmbeddings) return embeddings_path(schema, model, id);
  if (!is_generation(endpoint)) return blank_cell(endpoint, schema);
  switch (schema) {
    case Schema::kAwsBedrock:
      return fmt::format("/model/{}/{}", id, streamed ? "converse-stream" : "converse");
    case Schema::kAwsAnthropic:
      return fmt::format("/model/{}/{}", id, streamed ? "invoke-with-response-stream" : "invoke");
    case Schema::kGcpVertexAi:
      return fmt::format("publishers/google/models/{}:{}", id,
                         streamed ? "streamGenerateContent?alt=sse" : "generateContent");
    default:
      return fmt::format("publishers/anthropic/models/{}:{}", id,
                         streamed ? "streamRawPredict" : "rawPredict");
  }
}

}  // namespace

std::string_view to_string(Schema schema) {
  for (const auto& [value, name] : kSchemaNames) {
    if (value == schema) return name;
  }
  return "unknown";
}

std::optional<Schema> schema_of(std::string_view name) {
  for (const auto& [value, known] : kSchemaNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string_view provider_name(Schema schema) {
  switch (schema) {
    case Schema::kOpenAi:
      return "openai";
    case Schema::kAzureOpenAi:
      return "azure.openai";
    case Schema::kAnthropic:
      return "anthropic";
    case Schema::kAwsBedrock:
      return "aws.bedrock";
    case Schema::kAwsAnthropic:
      return "aws.anthropic";
    case Schema::kGcpVertexAi:
      return "gcp.vertex_ai";
    case Schema::kGcpAnthropic:
      return "gcp.anthropic";
    case Schema::kCohere:
      return "cohere";
  }
  return "unknown";
}

std::string_view operation_name(Endpoint endpoint) {
  for (const EndpointRow& row : kEndpoints) {
    if (row.endpoint == endpoint) return row.operation;
  }
  return "unknown";
}

std::optional<Endpoint> endpoint_of(std::string_view path) {
  for (const EndpointRow& row : kEndpoints) {
    if (row.path == path) return row.endpoint;
  }
  // Anthropic's own clients know no prefix; no OpenAI path begins like this one.
  if (path == "/v1/messages") return Endpoint::kMessages;
  if (path == "/v1/messages/count_tokens") return Endpoint::kCountTokens;
  return std::nullopt;
}

bool may_stream(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kEmbeddings:
    case Endpoint::kResponsesInputTokens:
    case Endpoint::kTokenize:
    case Endpoint::kTranslation:
    case Endpoint::kCountTokens:
    case Endpoint::kRerank:
      return false;
    default:
      return true;
  }
}

bool is_media(Endpoint endpoint) {
  return endpoint == Endpoint::kImages || endpoint == Endpoint::kSpeech ||
         endpoint == Endpoint::kTranscription || endpoint == Endpoint::kTranslation;
}

bool uses_embed_content(std::string_view model) {
  constexpr std::string_view kFamily = "gemini-embedding-";
  if (!model.starts_with(kFamily)) return false;
  model.remove_prefix(kFamily.size());
  return !model.empty() && model.front() >= '2' && model.front() <= '9';
}

Dialect client_dialect(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kMessages:
    case Endpoint::kCountTokens:
      return Dialect::kAnthropic;
    case Endpoint::kRerank:
      return Dialect::kCohere;
    default:
      return Dialect::kOpenAi;
  }
}

Result<std::string> path_of(Endpoint endpoint, const Backend& backend, std::string_view model,
                            Delivery delivery) {
  switch (backend.schema) {
    case Schema::kOpenAi:
      return openai_path(endpoint, backend);
    case Schema::kAzureOpenAi:
      return azure_path(endpoint, backend, model);
    case Schema::kAnthropic:
      if (is_generation(endpoint)) return under_prefix(backend, "messages");
      if (counts(endpoint)) return std::string("/v1/messages/count_tokens");
      return blank_cell(endpoint, backend.schema);
    case Schema::kCohere:
      if (endpoint != Endpoint::kRerank) return blank_cell(endpoint, backend.schema);
      return fmt::format("/{}/rerank", backend.version.empty() ? "v2" : backend.version);
    default:
      return cloud_path(endpoint, backend.schema, model, delivery);
  }
}

std::string escape_path_segment(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace nacelle::provider
