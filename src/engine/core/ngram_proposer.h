// ngram_proposer.h: guesses the next tokens of a sequence from its own past.
//
// The longest suffix of the tokens, of a length within [prompt_lookup_min, prompt_lookup_max], that
// also occurs earlier (it may overlap itself; of several occurrences the earliest) is taken for a
// hint of what comes: the tokens that followed it then are the drafts now. Pays where output
// repeats the prompt or itself: code edits, summaries with quotations, retrieval, JSON.
//
// Home:    any thread; no state, so nothing has to be kept up to date.
// Cost:    a scan for the last token, about a nanosecond per four tokens, plus up to
//          prompt_lookup_max comparisons where it occurs.
// Source:  engine.md section 26 (ngram).
#pragma once

#include <span>
#include <vector>

#include "base/token.h"
#include "engine/core/options.h"

namespace nacelle::engine {

// Replaces `drafts`; empty when there is no match.
void propose_ngram(std::span<const TokenId> tokens, const SpeculativeOptions& options,
                   std::vector<TokenId>& drafts);

}  // namespace nacelle::engine
