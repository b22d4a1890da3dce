// chained_translator.h: two translators in a row, with OpenAI chat between them.
//
// A messages client before Bedrock or Gemini: messages -> chat -> Converse, and back. Each pair of
// dialects is then written once. Errors of the backend cross the inner one into the client's
// dialect directly, as the outer one has no schema for them.
#pragma once

#include <memory>

#include "provider/translator.h"

namespace nacelle::provider {

class ChainedTranslator final : public Translator {
 public:
  // `outer` faces the client, `inner` the backend of `schema`.
  ChainedTranslator(std::unique_ptr<Translator> outer, std::unique_ptr<Translator> inner,
                    Dialect dialect, Schema schema, std::size_t max_answer_bytes);

  [[nodiscard]] Result<UpstreamRequest> request(std::string_view body) override;
  [[nodiscard]] ResponsePlan response_head(const UpstreamHead& head) override;
  [[nodiscard]] Status chunk(std::string_view piece, std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;
  [[nodiscard]] const TokenUsage& usage() const override { return inner_->usage(); }
  [[nodiscard]] const std::string& response_model() const override {
    return inner_->response_model();
  }

 private:
  const std::unique_ptr<Translator> outer_;
  const std::unique_ptr<Translator> inner_;
  const Dialect dialect_;
  const Schema schema_;
  const std::size_t max_answer_bytes_;
  int status_ = 200;
  std::string error_type_;
  bool failed_ = false;  // the backend answered with an error
  std::string held_;     // that error's body
};

}  // namespace nacelle::provider
