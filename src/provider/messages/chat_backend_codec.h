// chat_backend_codec.h: Anthropic messages clients before a backend that speaks OpenAI chat.
//
// A stream of chunks becomes blocks with increasing index: one at a time is open, and a delta of
// another kind closes it. The closing events wait for the usage chunk or the end of the stream,
// since message_delta carries the usage.
//
// Source:  gateway.md section 8.6.
#pragma once

#include <optional>

#include "provider/codec.h"

namespace nacelle::provider::messages {

class ChatBackendCodec final : public Codec {
 public:
  explicit ChatBackendCodec(Context context);

  [[nodiscard]] Result<json::Json> request(const json::Json& body,
                                           const RequestFacts& facts) override;
  [[nodiscard]] Result<json::Json> answer(const json::Json& upstream) override;
  [[nodiscard]] Status event(std::string_view type, std::string_view data,
                             std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;

 private:
  enum class Block : std::uint8_t { kNone, kText, kThinking, kTool };

  void start_message(const json::Json& chunk, std::string& out);
  void open_block(Block kind, json::Json content, std::string& out);
  void close_block(std::string& out);
  void block_delta(json::Json delta, std::string& out);
  void apply_delta(const json::Json& delta, std::string& out);
  void apply_thinking(const json::Json& blocks, std::string& out);
  void apply_tool_call(const json::Json& call, std::string& out);
  void finish(std::string& out);
  [[nodiscard]] std::string id_for(const json::Json& upstream) const;
  [[nodiscard]] std::string model_for(const json::Json& upstream);

  const Context context_;
  std::string requested_model_;
  bool started_ = false;
  bool finished_ = false;
  std::string stop_reason_;  // "" until a finish_reason came
  Block block_ = Block::kNone;
  std::size_t next_block_ = 0;
  std::uint64_t open_tool_ = 0;  // index of the chunk's tool call that the open block is
};

}  // namespace nacelle::provider::messages
