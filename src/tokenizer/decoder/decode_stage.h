// decode_stage.h: decoding as a stream: tokens go in at one end, text comes out at the other.
//
// A decoder of tokenizer.json is a chain of stages. The same chain serves whole texts and token by
// token streaming, so that both give the same text. A stage hands a token on in one or several
// pieces; `Edges` says where the token begins and ends.
//
// Home:  one thread; the Decoder that makes the stages is immutable and shared.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace nacelle::tokenizer {

struct Edges {
  bool begins = true;  // this piece is the first of its token
  bool ends = true;    // and the last
};

// How bytes that are not UTF-8 by themselves are treated.
enum class ByteMode {
  kExact,  // as for a whole text: a run of byte tokens is judged as one
  kEager,  // for streaming: a character leaves as soon as it is complete
  kRaw,    // bytes leave as they are
};

class DecodeStage {
 public:
  virtual ~DecodeStage() = default;
  // `text` holds whole characters, except in ByteMode::kRaw.
  virtual void piece(std::string_view text, Edges edges) = 0;
  // No more pieces follow.
  virtual void finish() = 0;
};

// A stage that works on whole tokens: pieces are put together first.
class WholeTokenStage : public DecodeStage {
 public:
  void piece(std::string_view text, Edges edges) final {
    if (edges.begins && edges.ends) {
      token(text);
      return;
    }
    pending_ += text;
    if (edges.ends) {
      token(pending_);
      pending_.clear();
    }
  }

 protected:
  virtual void token(std::string_view text) = 0;

 private:
  std::string pending_;
};

}  // namespace nacelle::tokenizer
