// precise_prefix.h: the precise prefix index of one router, put together: KV events in, prompts in
// the same names out.
//
//   ASSIGN_OR_RETURN(auto precise, PrecisePrefix::start(setup, options));   // null: not configured
//   if (precise) router.attach(precise->source());
//   precise->follow(*router.pool());                    // now and then: who is there
//   auto blocks = co_await PrecisePrefix::blocks_of(precise, kind, body, model);
//   terms.tokens = blocks ? &*blocks : nullptr;
//
// Home:    thread-safe. Bodies beyond PromptTokenizer::kInlineBytes are tokenised on the work pool.
// Errors:  start(): an address that cannot be bound or understood. A tokenizer that is not there is
//          a warning: picks then know no tokens, and match nothing.
// Bounds:  the index by the configuration, the tokenizer's cache and jobs by its own.
// Source:  router.md section 11.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/work_pool.h"
#include "router/config/router_setup.h"
#include "router/kv_events/event_subscriber.h"
#include "router/kv_events/kv_metrics.h"
#include "router/kv_events/shared_index.h"
#include "router/pool_view.h"
#include "router/prefix_match_source.h"
#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"
#include "router/request_terms.h"
#include "router/tokens/prompt_keys.h"
#include "router/tokens/prompt_tokenizer.h"

namespace nacelle::router {

// A plugin of the schedule asks for an index.
[[nodiscard]] bool wants_precise(const RouterSetup& setup);

class PrecisePrefix : public std::enable_shared_from_this<PrecisePrefix> {
 public:
  struct Options {
    telemetry::Metrics* metrics = nullptr;  // look-ups are observed there; outlives the index
    std::shared_ptr<async::WorkPool> work_pool;
  };

  // Null when no plugin of the schedule asks for it. The first one that does decides how.
  [[nodiscard]] static Result<std::shared_ptr<PrecisePrefix>> start(const RouterSetup& setup,
                                                                    const Options& options);
  PrecisePrefix(const PrecisePrefix&) = delete;
  PrecisePrefix& operator=(const PrecisePrefix&) = delete;

  // For Router::attach(); keeps all of this alive.
  [[nodiscard]] std::shared_ptr<PrefixMatchSource> source();

  // Subscribes to the endpoints that are there, and forgets the others. Cheap when nothing changed.
  void follow(const PoolSnapshot& pool);

  // nullopt: not tokenised, since there is no tokenizer or the engine will refuse the body. `body`
  // outlives the task.
  [[nodiscard]] static async::Task<std::optional<PromptBlocks>> blocks_of(
      std::shared_ptr<PrecisePrefix> self, PromptKind kind, std::string_view body,
      std::string_view model);

  // What /metrics says of it, with these labels on every series.
  void collect(telemetry::Snapshot& out, const telemetry::Labels& labels) const;

 private:
  class Source;

  PrecisePrefix(PrecisePrefixConfig config, KeySpace space);
  [[nodiscard]] std::optional<PromptBlocks> compute(PromptKind kind, std::string_view body,
                                                    const std::string& adapter);
  // The model when it is an adapter of the engines, else "".
  [[nodiscard]] std::string adapter_of(std::string_view model) const;
  [[nodiscard]] EventSource source_of(const EndpointSnapshot& endpoint) const;

  const PrecisePrefixConfig config_;
  const KeySpace space_;
  std::shared_ptr<SharedPreciseIndex> index_;
  std::unique_ptr<KvMetrics> metrics_;  // may be null
  std::shared_ptr<PromptTokenizer> tokenizer_;
  std::shared_ptr<async::WorkPool> work_pool_;

  mutable std::mutex mutex_;                       // leaf
  std::vector<EventSource> sources_;               // guarded
  std::vector<std::string> adapters_;              // guarded, sorted
  std::vector<std::unique_ptr<PromptKeys>> keys_;  // guarded: those that nobody uses now
  std::unique_ptr<EventSubscriber> subscriber_;    // last: its thread uses the index
};

}  // namespace nacelle::router
