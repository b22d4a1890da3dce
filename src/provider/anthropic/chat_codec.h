// chat_codec.h: OpenAI chat clients before a backend that speaks Anthropic's messages API.
//
// Source:  gateway.md section 8.5.
#pragma once

#include "provider/chat/answer.h"
#include "provider/codec.h"

namespace nacelle::provider::anthropic {

class ChatCodec final : public Codec {
 public:
  ChatCodec(Backend backend, Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  void message_start(const json::Json& event);
  void block_start(const json::Json& event, std::string& out);
  void block_delta(const json::Json& event, std::string& out);
  [[nodiscard]] std::string model_for_client(std::string model);

  const Backend backend_;
  const Context context_;
  chat::ChunkWriter writer_;
  std::string finish_reason_ = "stop";
  std::size_t next_tool_ = 0;
  bool in_tool_ = false;
  bool finished_ = false;
};

// "end_turn" -> "stop" and so on.
[[nodiscard]] std::string_view finish_reason(std::string_view stop_reason);

// Counts of a `usage` object of this API, unified; members that are not there stay.
void merge_usage(const json::Json& usage, TokenUsage& out);

}  // namespace nacelle::provider::anthropic
