// chat_codec.h: OpenAI chat clients before Bedrock's Converse and converse-stream.
//
// Source:  gateway.md section 8.3.
#pragma once

#include "provider/chat/answer.h"
#include "provider/codec.h"

namespace nacelle::provider::bedrock {

class ChatCodec final : public Codec {
 public:
  explicit ChatCodec(Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  [[nodiscard]] std::string id() const;
  void block_delta(const json::Json& delta, std::string& out);
  void read_usage(const json::Json& holder);

  const Context context_;
  chat::ChunkWriter writer_;
  std::string model_;  // Converse names no model in its answers
  std::size_t next_tool_ = 0;
  bool in_tool_ = false;
  bool stopped_ = false;
  bool finished_ = false;
};

}  // namespace nacelle::provider::bedrock
