// chat_codec.h: OpenAI chat clients before Gemini's generateContent and streamGenerateContent.
//
// Source:  gateway.md section 8.4.
#pragma once

#include "provider/chat/answer.h"
#include "provider/codec.h"

namespace nacelle::provider::gemini {

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
  struct Candidate {
    std::size_t num_calls = 0;
    bool finished = false;
  };

  void read_head(const json::Json& upstream);
  [[nodiscard]] std::string next_call_id();
  void stream_part(const json::Json& part, std::size_t index, Candidate& candidate,
                   std::string& out);

  const Context context_;
  chat::Head head_;
  chat::ChunkWriter writer_;
  std::size_t num_ids_ = 0;
  std::vector<Candidate> candidates_;  // by index
  bool blocked_ = false;               // the prompt was refused
};

// "STOP" -> "stop" and so on; a candidate with calls that stops has called tools.
[[nodiscard]] std::string finish_reason(std::string_view reason, bool has_calls);

}  // namespace nacelle::provider::gemini
