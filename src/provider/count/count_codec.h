// count_codec.h: how many tokens a prompt has, asked of a provider that counts.
//
// Clients ask vLLM's /tokenize, with a prompt or with chat messages, or Anthropic's count_tokens.
// The provider is asked in the words in which the prompt would be sent to it, so that its answer
// holds for the request that follows. Providers tell a number only: the answer to /tokenize has
// `count`, and no ids.
//
//   OpenAI (an engine)    /tokenize with messages                  count
//   Anthropic             messages/count_tokens                    input_tokens
//   GCPAnthropic          count-tokens:rawPredict, the same body   input_tokens
//   AWSAnthropic          count-tokens {"input":{"invokeModel"}}   inputTokens
//   AWSBedrock            count-tokens {"input":{"converse"}}      inputTokens
//   GCPVertexAI           :countTokens                             totalTokens
//
// Counting costs no tokens: usage() reports none.
//
// Source:  gateway.md section 8.1.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::count {

class CountCodec final : public Codec {
 public:
  // `endpoint` is kTokenize or kCountTokens.
  CountCodec(Endpoint endpoint, Backend backend, Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  // Never asked: a count is no stream.
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  [[nodiscard]] Result<json::Json> chat_body(const json::Json& body,
                                             const RequestFacts& facts) const;
  [[nodiscard]] Result<json::Json> messages_body(const json::Json& body,
                                                 const RequestFacts& facts) const;

  const Endpoint endpoint_;
  const Backend backend_;
  const Context context_;
};

}  // namespace nacelle::provider::count
