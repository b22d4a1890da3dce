#include "serve/output/sequence_reader.h"

#include <utility>

namespace nacelle::serve {

using engine::FinishReason;

SequenceReader::SequenceReader(StopPolicy policy, DecodeToken decode)
    : scanner_(std::move(policy.stop_strings), policy.include_stop_str
                                                   ? StopScanner::Show::kIncluding
                                                   : StopScanner::Show::kBefore),
      include_stop_str_(policy.include_stop_str),
      min_tokens_(policy.min_tokens),
      decode_(std::move(decode)) {}

void SequenceReader::add_token(TokenId token, bool drop_text) {
  pending_.tokens.push_back(token);
  ++num_tokens_;
  if (drop_text) return;
  const std::string text = decode_(token);
  if (num_tokens_ <= static_cast<std::int64_t>(min_tokens_)) {
    scanner_.append_unsearched(text);
  } else if (const auto hit = scanner_.append(text)) {
    stopped_by_text_ = true;
    finish_ = FinishReason::kStop;
    stop_reason_ = scanner_.stop(*hit);
  }
}

void SequenceReader::add(engine::SequenceOutput output) {
  if (finished()) return;
  has_news_ = true;
  num_cached_tokens_ = output.num_cached_tokens;
  if (!output.prompt_logprobs.empty()) prompt_logprobs_ = std::move(output.prompt_logprobs);

  const bool by_stop_token = output.finish == FinishReason::kStop;
  for (std::size_t i = 0; i < output.tokens.size() && !finished(); ++i) {
    const bool is_stop_token = by_stop_token && i + 1 == output.tokens.size();
    if (i < output.logprobs.size()) pending_.logprobs.push_back(std::move(output.logprobs[i]));
    add_token(output.tokens[i], is_stop_token && !include_stop_str_);
  }
  if (finished()) return;
  finish_ = output.finish;
  error_ = std::move(output.error);
  if (output.stop_token) stop_reason_ = *output.stop_token;
}

OutputDelta SequenceReader::take() {
  has_news_ = false;
  OutputDelta out = std::exchange(pending_, {});
  out.text = scanner_.take(finished());
  out.finish = finish_;
  out.stop_reason = stop_reason_;
  out.error = error_;
  return out;
}

}  // namespace nacelle::serve
