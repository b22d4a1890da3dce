// usage_meter.h: reads model and token usage on the side of an answer that passes through.
//
//   UsageMeter meter(AnswerForm::kStream);
//   for (piece : answer) { send(piece); meter.feed(piece); }
//   meter.finish();
//   charge(meter.usage());
//
// Understands OpenAI chat, completions, embeddings and responses, and Anthropic messages, told by
// the members that are there. Of a stream, lines without the token "usage", or with null for it,
// cost one substring search; what cannot be read is skipped, as clients do.
//
// Home:    one connection's loop. Not thread-safe.
// Bounds:  a line of a stream longer than kMaxLineBytes is skipped; captured values 64 KiB.
// Source:  gateway.md sections 8.2 and 10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "provider/json/member_capture.h"
#include "provider/usage.h"

namespace nacelle::provider {

enum class AnswerForm : std::uint8_t { kJson, kStream };

class UsageMeter {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{256} << 10;

  explicit UsageMeter(AnswerForm form) : form_(form) {}

  void feed(std::string_view bytes);
  // The answer has ended: a last line without its line end still counts.
  void finish();

  [[nodiscard]] const TokenUsage& usage() const { return usage_; }
  [[nodiscard]] const std::string& model() const { return model_; }  // "" = not seen
  // Events of a stream that carried data, "[DONE]" excluded.
  [[nodiscard]] std::uint64_t num_events() const { return num_events_; }

 private:
  void feed_lines(std::string_view bytes);
  void on_line(std::string_view line);
  void on_data(std::string_view data);
  void take_captured();

  AnswerForm form_;
  bool skipping_line_ = false;
  std::string partial_line_;
  // "response" and "message" wrap the object in some events of Responses and Messages streams.
  json::MemberCapture capture_{"usage", "model", "message", "response"};
  json::MemberCapture inner_{"usage", "model"};
  TokenUsage usage_;
  std::string model_;
  std::uint64_t num_events_ = 0;
};

// Adds what the raw JSON of a `usage` member says to `usage`. Counts that it does not name stay.
void merge_usage(std::string_view raw, TokenUsage& usage);

}  // namespace nacelle::provider
