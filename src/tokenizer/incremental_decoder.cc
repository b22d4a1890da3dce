#include "tokenizer/incremental_decoder.h"

#include "tokenizer/tokenizer_parts.h"

namespace nacelle::tokenizer {

IncrementalDecoder::IncrementalDecoder(std::shared_ptr<const Tokenizer> tokenizer,
                                       std::span<const TokenId> prompt, DecodeOptions options)
    : tokenizer_(std::move(tokenizer)),
      options_(options),
      stream_(std::make_unique<DecodeStream>(tokenizer_->parts_->decoder, ByteMode::kEager)) {
  // The begin tells decoders that the first token has passed, the end leaves bytes of an unfinished
  // character; what lies between changes nothing.
  constexpr std::size_t kHead = kPrimeTokens / 4, kTail = kPrimeTokens - kHead;
  if (prompt.size() > kPrimeTokens) {
    for (const TokenId id : prompt.first(kHead)) push(id);
    prompt = prompt.last(kTail);
  }
  for (const TokenId id : prompt) push(id);
  (void)stream_->take();
}

IncrementalDecoder::IncrementalDecoder(IncrementalDecoder&&) noexcept = default;
IncrementalDecoder& IncrementalDecoder::operator=(IncrementalDecoder&&) noexcept = default;
IncrementalDecoder::~IncrementalDecoder() = default;

void IncrementalDecoder::push(TokenId id) {
  if (options_.skip_special_tokens && tokenizer_->is_special(id)) return;
  if (const auto token = tokenizer_->id_to_token(id)) stream_->push(*token);
}

std::string IncrementalDecoder::append(TokenId id) {
  push(id);
  return stream_->take();
}

std::string IncrementalDecoder::flush() {
  stream_->finish();
  return stream_->take();
}

}  // namespace nacelle::tokenizer
