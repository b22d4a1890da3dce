#include <openssl/rand.h>

#include "engine/engine.h"
#include "engine/loop/engine_loop.h"
#include "engine/request_check.h"

namespace nacelle::engine {
namespace {

Result<BlockHasher> make_hasher(const EngineConfig& config) {
  if (!config.hash_seed.empty()) return BlockHasher(config.hash_algorithm, config.hash_seed);
  BlockHash root{.size = 32};
  if (RAND_bytes(root.bytes.data(), root.size) != 1) {
    return unavailable("the system gives no random bytes for the block hash chain");
  }
  return BlockHasher(config.hash_algorithm, root);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::start(EngineConfig config,
                                              std::unique_ptr<model::CausalLm> model,
                                              kernels::WorkerPool* pool) {
  if (model == nullptr) return invalid_argument("an engine needs a model");
  RETURN_IF_ERROR(check_config(config, model->config().vocab_size));
  RETURN_IF_ERROR(model->allocate_kv(config.num_blocks, config.block_size));
  ASSIGN_OR_RETURN(BlockHasher hasher, make_hasher(config));
  std::unique_ptr<EventPublisher> events;
  if (config.kv_events.enabled) {
    ASSIGN_OR_RETURN(events, EventPublisher::start(config.kv_events, config.block_size));
  }
  return EngineLoop::start(config, std::move(hasher), std::move(model), pool, std::move(events));
}

}  // namespace nacelle::engine
