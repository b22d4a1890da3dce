// processors.h: what changes a row of logits before a token is picked from it.
//
// Each does nothing when its parameter is neutral. apply_processors() runs them in the order that
// clients of vLLM know: allowed ids, bad words, min_tokens, logit_bias, penalties.
//
// Shape:   logits f32 [vocab_size], changed in place; token ids are within it.
// Source:  engine.md section 14.
#pragma once

#include <span>
#include <vector>

#include "engine/exec/sampler/sampling_state.h"

namespace nacelle::engine {

// True when any processor may change the row at this position.
[[nodiscard]] bool has_processors(const SamplingPosition& position);
// `scratch` is overwritten; kept by the caller, it saves an allocation per row.
void apply_processors(const SamplingPosition& position, std::span<float> logits,
                      std::vector<float>& scratch);

// All other tokens become impossible.
void keep_allowed_tokens(std::span<const TokenId> allowed, std::span<float> logits,
                         std::vector<float>& scratch);

// Bans the last token of each word whose other tokens end the outputs.
void ban_bad_words(std::span<const std::vector<TokenId>> words, const SamplingPosition& position,
                   std::span<float> logits);

// Bans the primary EOS and the stop ids.
void ban_stop_tokens(TokenId eos_token, std::span<const TokenId> stop_token_ids,
                     std::span<float> logits);

void add_logit_bias(std::span<const std::pair<TokenId, float>> bias, std::span<float> logits);

// Repetition (prompt and outputs): l / r if l > 0, else l * r. Then l -= frequency * count in
// outputs and l -= presence when it is in the outputs.
void apply_penalties(const SamplingPosition& position, std::span<float> logits);

}  // namespace nacelle::engine
