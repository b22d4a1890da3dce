#include "tokenizer/decoder/byte_steps.h"

#include <optional>

#include "base/utf8.h"
#include "tokenizer/unicode/byte_chars.h"

namespace nacelle::tokenizer {
namespace {

class ByteLevelStage final : public WholeTokenStage {
 public:
  ByteLevelStage(ByteMode mode, DecodeStage& next) : mode_(mode), next_(next) {}

  void finish() override {
    hand_on(mode_ == ByteMode::kRaw ? held_ : sanitize_utf8(held_), true);
    next_.finish();
  }

 protected:
  void token(std::string_view text) override {
    const auto bytes = chars_to_bytes(text);
    held_ += bytes ? std::string_view(*bytes) : text;
    const std::size_t ready = mode_ == ByteMode::kRaw ? held_.size() : complete_utf8_prefix(held_);
    if (ready == 0) return;
    std::string out = held_.substr(0, ready);
    held_.erase(0, ready);
    if (mode_ != ByteMode::kRaw && !is_valid_utf8(out)) out = sanitize_utf8(out);
    hand_on(out, false);
  }

 private:
  void hand_on(std::string_view text, bool ends) {
    next_.piece(text, {.begins = !begun_, .ends = ends});
    begun_ = true;
  }

  ByteMode mode_;
  DecodeStage& next_;
  std::string held_;
  bool begun_ = false;
};

// The value of "<0xNN>". The sign that Rust's parser takes ("<0x+F>") is taken here too.
std::optional<char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  std::string_view digits = token.substr(3, 2);
  if (digits[0] == '+') digits.remove_prefix(1);
  int value = 0;
  for (const char c : digits) {
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return std::nullopt;
    value = value * 16 + digit;
  }
  return static_cast<char>(value);
}

class ByteFallbackStage final : public WholeTokenStage {
 public:
  ByteFallbackStage(ByteMode mode, DecodeStage& next) : mode_(mode), next_(next) {}

  void finish() override {
    flush();
    next_.finish();
  }

 protected:
  void token(std::string_view text) override {
    const auto byte = fallback_byte(text);
    if (!byte) {
      flush();
      next_.piece(text, {});
      return;
    }
    run_.push_back(*byte);
    const bool complete = mode_ == ByteMode::kEager && is_valid_utf8(run_);
    if (complete || mode_ == ByteMode::kRaw) {
      next_.piece(run_, {});
      run_.clear();
    }
  }

 private:
  void flush() {
    if (run_.empty()) return;
    if (is_valid_utf8(run_)) {
      next_.piece(run_, {});
    } else {
      std::string one;
      append_utf8(one, kReplacementChar);
      for (std::size_t i = 0; i < run_.size(); ++i) next_.piece(one, {});
    }
    run_.clear();
  }

  ByteMode mode_;
  DecodeStage& next_;
  std::string run_;
};

template <class Stage>
class ByteStep final : public DecodeStep {
 public:
  [[nodiscard]] std::unique_ptr<DecodeStage> open(ByteMode mode, DecodeStage& next) const override {
    return std::make_unique<Stage>(mode, next);
  }
};

}  // namespace

std::unique_ptr<DecodeStep> make_byte_level_step() {
  return std::make_unique<ByteStep<ByteLevelStage>>();
}

std::unique_ptr<DecodeStep> make_byte_fallback_step() {
  return std::make_unique<ByteStep<ByteFallbackStage>>();
}

}  // namespace nacelle::tokenizer
