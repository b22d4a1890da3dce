// sequence_reader.h: from the engine's outputs of one sequence to what its choice says next.
//
// Tokens are decoded one by one and each is searched for stop strings, so the answer is the same
// whatever number of engine outputs was waiting. After a stop string the sequence is finished for
// the client: later tokens are dropped and the owner aborts the engine's sequence.
//
// The EOS or stop token counts as output; its text is dropped unless stop strings are shown.
//
// Home:    one coroutine.
// Source:  engine.md sections 8, 9 and 15.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/output.h"
#include "openai/answer.h"
#include "serve/output/stop_scanner.h"

namespace nacelle::serve {

// The text that one more token adds: whole characters only, "" while a character is incomplete.
using DecodeToken = std::function<std::string(TokenId)>;

struct StopPolicy {
  std::vector<std::string> stop_strings;
  bool include_stop_str = false;
  std::uint32_t min_tokens = 0;  // the text of the first ones is not searched
};

// What is new since the last take.
struct OutputDelta {
  std::string text;
  std::vector<TokenId> tokens;
  std::vector<engine::PositionLogprobs> logprobs;  // parallel to tokens, or empty

  engine::FinishReason finish = engine::FinishReason::kNone;
  openai::StopReason stop_reason;
  Status error;  // with FinishReason::kError

  [[nodiscard]] bool finished() const { return finish != engine::FinishReason::kNone; }
};

class SequenceReader {
 public:
  SequenceReader(StopPolicy policy, DecodeToken decode);

  // Outputs after the end are ignored.
  void add(engine::SequenceOutput output);

  // True once a stop string ended the answer before the engine ended the sequence.
  [[nodiscard]] bool stopped_by_text() const { return stopped_by_text_; }
  [[nodiscard]] bool finished() const { return finish_ != engine::FinishReason::kNone; }
  [[nodiscard]] engine::FinishReason finish() const { return finish_; }
  [[nodiscard]] bool has_news() const { return has_news_; }
  [[nodiscard]] OutputDelta take();

  [[nodiscard]] std::int64_t num_tokens() const { return num_tokens_; }
  [[nodiscard]] std::int64_t num_cached_tokens() const { return num_cached_tokens_; }
  [[nodiscard]] const std::vector<engine::PositionLogprobs>& prompt_logprobs() const {
    return prompt_logprobs_;
  }

 private:
  void add_token(TokenId token, bool drop_text);

  StopScanner scanner_;
  const bool include_stop_str_;
  const std::uint32_t min_tokens_;
  DecodeToken decode_;

  OutputDelta pending_;
  bool has_news_ = false;
  bool stopped_by_text_ = false;
  engine::FinishReason finish_ = engine::FinishReason::kNone;
  openai::StopReason stop_reason_;
  Status error_;
  std::int64_t num_tokens_ = 0;
  std::int64_t num_cached_tokens_ = 0;
  std::vector<engine::PositionLogprobs> prompt_logprobs_;
};

}  // namespace nacelle::serve
