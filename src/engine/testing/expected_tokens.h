// expected_tokens.h: what the fake model generates for a request, without any engine around it.
#pragma once

#include <optional>
#include <vector>

#include "engine/exec/sampler/sampler.h"
#include "engine/exec/stop_checker.h"
#include "engine/request.h"
#include "engine/testing/fake_causal_lm.h"

namespace nacelle::engine::testing {

struct Expected {
  std::vector<TokenId> tokens;
  StopVerdict verdict;
};

// One token after the other, the whole history each time. A request that samples must have a seed.
inline Expected expected_tokens(const Request& request, const FakeOptions& fake,
                                std::uint32_t max_model_len) {
  Sampler sampler;
  Expected expected;
  std::vector<TokenId> history = request.prompt;
  SamplingState state(request.params, static_cast<std::uint64_t>(request.params.seed.value_or(0)),
                      fake.eos_token, request.prompt, request.num_resumed_tokens);
  std::vector<float> row(fake.vocab_size);
  while (expected.verdict.finish == FinishReason::kNone) {
    FakeCausalLm::fill_logits(fake, history, row);
    const TokenId token = sampler.sample(row, state).value().token;
    history.push_back(token);
    state.append_output(token);
    expected.tokens.push_back(token);
    expected.verdict = check_stop(request.params, fake.eos_token, token, state.num_outputs(),
                                  static_cast<std::uint32_t>(history.size()), max_model_len);
  }
  return expected;
}

}  // namespace nacelle::engine::testing
