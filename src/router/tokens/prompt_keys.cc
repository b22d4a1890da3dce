#include "router/tokens/prompt_keys.h"

namespace nacelle::router {

PromptKeys::PromptKeys(const KeySpace& space)
    : space_(space),
      engine_(space.engine_algorithm, space.seed),
      request_(space.request_algorithm, space.seed) {}

void PromptKeys::append(std::span<const TokenId> tokens, const std::string& cache_salt,
                        const std::string& lora_name, std::vector<std::uint64_t>& keys) {
  const std::size_t size = space_.block_size_tokens;
  const std::size_t num_blocks = tokens.size() / size;
  // Order of the engine's extra keys: LoRA name in every block, salt in the first.
  const bool engine = space_.kind == KeyKind::kEngineHash;
  block_hash::ExtraKeys first, others;
  if (engine && !lora_name.empty()) first.push_back(lora_name), others.push_back(lora_name);
  if (!cache_salt.empty()) first.push_back(cache_salt);
  keys.reserve(keys.size() + num_blocks);
  block_hash::BlockHash parent = engine_.root();
  std::uint64_t parent_key =
      engine ? 0 : request_.root(lora_name.empty() ? space_.model : lora_name);
  for (std::size_t i = 0; i < num_blocks; ++i) {
    const auto block = tokens.subspan(i * size, size);
    const block_hash::ExtraKeys& extra = i == 0 ? first : others;
    if (engine) {
      parent = engine_.hash(parent, block, extra);
      keys.push_back(parent.low64());
    } else {
      parent_key = request_.hash(parent_key, block, extra);
      keys.push_back(parent_key);
    }
  }
}

}  // namespace nacelle::router
