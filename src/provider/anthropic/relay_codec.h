// relay_codec.h: Anthropic messages clients before a cloud that wraps the same messages.
//
// GCP and AWS take the model in the path and the version in the body; AWS streams its own frames.
//
// Source:  gateway.md section 8.6.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::anthropic {

// What Bedrock takes of the header anthropic-beta; it refuses bodies with others.
[[nodiscard]] json::Json aws_betas(std::string_view header);

class RelayCodec final : public Codec {
 public:
  RelayCodec(Backend backend, Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  void rename_model(json::Json& message);

  const Backend backend_;
  const Context context_;
  bool finished_ = false;
};

}  // namespace nacelle::provider::anthropic
