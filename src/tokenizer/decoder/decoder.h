// decoder.h: the "decoder" of tokenizer.json.
//
// Home:  any thread; immutable. DecodeStream: one thread; its Decoder must outlive it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/decoder/decode_stage.h"
#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

// One step of the chain.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  [[nodiscard]] virtual std::unique_ptr<DecodeStage> open(ByteMode mode,
                                                          DecodeStage& next) const = 0;
};

class Decoder {
 public:
  // Without steps tokens are joined by spaces, as the reference implementation does.
  Decoder() = default;
  explicit Decoder(std::vector<std::unique_ptr<DecodeStep>> steps) : steps_(std::move(steps)) {}

  [[nodiscard]] const std::vector<std::unique_ptr<DecodeStep>>& steps() const { return steps_; }

 private:
  std::vector<std::unique_ptr<DecodeStep>> steps_;
};

class DecodeStream {
 public:
  DecodeStream(const Decoder& decoder, ByteMode mode);
  DecodeStream(const DecodeStream&) = delete;
  DecodeStream& operator=(const DecodeStream&) = delete;
  ~DecodeStream();

  // One token in, as it is written in the vocabulary. O(its length).
  void push(std::string_view token);
  void finish();

  // What came out since the last take().
  [[nodiscard]] std::string take();

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
  std::vector<std::unique_ptr<DecodeStage>> stages_;  // the last gets the tokens
};

// By "type". Errors name the path and the key.
[[nodiscard]] Result<Decoder> make_decoder(const JsonNode& node);

}  // namespace nacelle::tokenizer
