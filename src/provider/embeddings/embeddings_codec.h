// embeddings_codec.h: OpenAI embeddings clients before Bedrock's Titan and before Vertex AI.
//
//   AWSBedrock     invoke {"inputText", "dimensions"}: one input a request, as Titan's API has it
//   GCPVertexAI    :predict {"instances", "parameters"}; models of the second generation
//                  :embedContent {"content", ...}, again one input a request
//
// `task_type` and `auto_truncate` in a body reach Vertex AI, which has words for them.
//
// Source:  gateway.md section 8.1.
#pragma once

#include "provider/codec.h"
#include "provider/embeddings/embeddings.h"

namespace nacelle::provider::embeddings {

class EmbeddingsCodec final : public Codec {
 public:
  EmbeddingsCodec(Schema schema, Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  // Never asked: embeddings are no stream.
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  enum class Form : std::uint8_t { kTitan, kPredict, kEmbedContent };

  const Schema schema_;
  const Context context_;
  Form form_ = Form::kTitan;
  Question question_;
};

}  // namespace nacelle::provider::embeddings
