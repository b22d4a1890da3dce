#include "engine/core/ngram_proposer.h"

#include <algorithm>

namespace nacelle::engine {

void propose_ngram(std::span<const TokenId> tokens, const SpeculativeOptions& options,
                   std::vector<TokenId>& drafts) {
  drafts.clear();
  if (tokens.size() < 2 || !options.enabled()) return;
  const TokenId newest = tokens.back();
  const auto last = tokens.end() - 1;  // an earlier occurrence ends before it

  std::size_t longest = 0;
  auto follows = tokens.end();  // what came after the best occurrence
  for (auto end = std::find(tokens.begin(), last, newest); end != last;
       end = std::find(end + 1, last, newest)) {
    const auto reach = std::min<std::size_t>(options.prompt_lookup_max,
                                             static_cast<std::size_t>(end - tokens.begin()) + 1);
    if (reach <= longest) continue;
    std::size_t length = 1;
    while (length < reach && *(end - static_cast<std::ptrdiff_t>(length)) ==
                                 *(last - static_cast<std::ptrdiff_t>(length))) {
      ++length;
    }
    if (length <= longest) continue;  // of equals the earliest stays
    longest = length;
    follows = end + 1;
    if (longest == options.prompt_lookup_max) break;
  }
  if (longest < options.prompt_lookup_min) return;
  const auto count =
      std::min<std::ptrdiff_t>(options.num_speculative_tokens, tokens.end() - follows);
  drafts.assign(follows, follows + count);
}

}  // namespace nacelle::engine
