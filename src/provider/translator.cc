#include "provider/translator.h"

#include "provider/anthropic/chat_codec.h"
#include "provider/anthropic/relay_codec.h"
#include "provider/bedrock/chat_codec.h"
#include "provider/chained_translator.h"
#include "provider/codec_translator.h"
#include "provider/count/count_codec.h"
#include "provider/embeddings/embeddings_codec.h"
#include "provider/gemini/chat_codec.h"
#include "provider/messages/chat_backend_codec.h"
#include "provider/pass_through/pass_through.h"

namespace nacelle::provider {

namespace {

bool is_openai(Schema schema) {
  return schema == Schema::kOpenAi || schema == Schema::kAzureOpenAi;
}

Framing framing_of(Schema schema) {
  if (schema == Schema::kAwsBedrock) return Framing::kAwsEvents;
  if (schema == Schema::kAwsAnthropic) return Framing::kAwsWrappedEvents;
  return Framing::kSse;
}

std::unique_ptr<Codec> chat_codec(const Backend& backend, const Context& context) {
  switch (backend.schema) {
    case Schema::kAwsBedrock:
      return std::make_unique<bedrock::ChatCodec>(context);
    case Schema::kGcpVertexAi:
      return std::make_unique<gemini::ChatCodec>(context);
    default:
      return std::make_unique<anthropic::ChatCodec>(backend, context);
  }
}

std::unique_ptr<Translator> with_codec(Endpoint endpoint, const Backend& backend,
                                       const Context& context, std::unique_ptr<Codec> codec) {
  return std::make_unique<CodecTranslator>(endpoint, backend, context, framing_of(backend.schema),
                                           std::move(codec));
}

std::unique_ptr<Codec> codec_for(Endpoint endpoint, const Backend& backend,
                                 const Context& context) {
  switch (endpoint) {
    case Endpoint::kTokenize:
    case Endpoint::kCountTokens:
      return std::make_unique<count::CountCodec>(endpoint, backend, context);
    case Endpoint::kEmbeddings:
      return std::make_unique<embeddings::EmbeddingsCodec>(backend.schema, context);
    default:
      return chat_codec(backend, context);
  }
}

std::unique_ptr<Translator> for_messages(const Backend& backend, const Context& context) {
  if (is_openai(backend.schema)) {
    return with_codec(Endpoint::kMessages, backend, context,
                      std::make_unique<messages::ChatBackendCodec>(context));
  }
  if (backend.schema == Schema::kAwsAnthropic || backend.schema == Schema::kGcpAnthropic) {
    return with_codec(Endpoint::kMessages, backend, context,
                      std::make_unique<anthropic::RelayCodec>(backend, context));
  }
  const Backend between{.schema = Schema::kOpenAi, .model_override = backend.model_override};
  return std::make_unique<ChainedTranslator>(
      with_codec(Endpoint::kMessages, between, context,
                 std::make_unique<messages::ChatBackendCodec>(context)),
      with_codec(Endpoint::kChatCompletions, backend, context, chat_codec(backend, context)),
      Dialect::kAnthropic, backend.schema, context.max_answer_bytes);
}

}  // namespace

Result<std::unique_ptr<Translator>> make_translator(Endpoint endpoint, const Backend& backend,
                                                    const Context& context) {
  // The matrix decides first: a blank cell has no path.
  RETURN_IF_ERROR(path_of(endpoint, backend, "model", Delivery::kWhole).status());
  const Dialect dialect = client_dialect(endpoint);
  const bool same = (dialect == Dialect::kOpenAi && is_openai(backend.schema)) ||
                    (dialect == Dialect::kAnthropic && backend.schema == Schema::kAnthropic) ||
                    dialect == Dialect::kCohere;
  std::unique_ptr<Translator> out;
  if (same) {
    out = std::make_unique<PassThrough>(endpoint, backend, context);
  } else if (endpoint == Endpoint::kMessages) {
    out = for_messages(backend, context);
  } else {
    out = with_codec(endpoint, backend, context, codec_for(endpoint, backend, context));
  }
  return out;
}

}  // namespace nacelle::provider
