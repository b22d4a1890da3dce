#include "router/precise_prefix.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "router/producer/precise_prefix_cache/shared_index_source.h"
#include "telemetry/log.h"

namespace nacelle::router {
namespace {

const PrecisePrefixConfig* find_config(const Schedule& schedule) {
  for (const auto& plugin : schedule.plugins) {
    auto* producer = dynamic_cast<PrefixProducer*>(plugin.get());
    if (producer != nullptr && producer->precise() != nullptr)
      return &producer->precise()->config();
  }
  return nullptr;
}

// The model folder that the token-producer names; "" when it is not on this machine.
std::filesystem::path tokenizer_folder(const TokenProducerConfig& config) {
  std::error_code error;
  for (const std::string& name : {config.model_path, config.model}) {
    if (!name.empty() &&
        std::filesystem::exists(std::filesystem::path(name) / "tokenizer.json", error)) {
      return name;
    }
  }
  return {};
}

std::shared_ptr<PromptTokenizer> load_tokenizer(const TokenProducerConfig& config) {
  const std::filesystem::path folder = tokenizer_folder(config);
  if (folder.empty()) {
    log::warn(
        "precise prefix matches need the model's tokenizer, and there is none: set modelPath "
        "of the token-producer to a folder with tokenizer.json",
        {{"model_path", config.model_path}, {"model_name", config.model}});
    return nullptr;
  }
  auto tokenizer = PromptTokenizer::load(folder, config.chat_template, {});
  if (!tokenizer) {
    log::warn("the tokenizer cannot be read; precise prefix matches are unknown",
              {{"folder", folder.string()}, {"why", tokenizer.error()}});
    return nullptr;
  }
  return std::move(*tokenizer);
}

}  // namespace

bool wants_precise(const RouterSetup& setup) { return find_config(setup.schedule) != nullptr; }

// Entries go by the engines' own events and by follow(), on the subscriber's thread: an endpoint
// that could not be reached for a moment has its cache still, and one that restarted has announced
// its new one before a scrape finds it.
class PrecisePrefix::Source final : public PrefixMatchSource {
 public:
  explicit Source(std::shared_ptr<PrecisePrefix> owner)
      : owner_(std::move(owner)), inner_(owner_->index_, owner_->config_.speculative_ttl) {}

  void match(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> matched,
             std::span<std::uint32_t> cached) override {
    if (hashes.empty()) return;
    const auto begin = std::chrono::steady_clock::now();
    inner_.match(hashes, matched, cached);
    if (owner_->metrics_ != nullptr)
      owner_->metrics_->observe_lookup(std::chrono::steady_clock::now() - begin);
  }
  void placed(EndpointId endpoint, std::span<const std::uint64_t> hashes, TimePoint now) override {
    if (hashes.empty()) return;
    inner_.placed(endpoint, hashes, now);
    owner_->subscriber_->wake();
  }
  void forget(EndpointId) override {}

 private:
  const std::shared_ptr<PrecisePrefix> owner_;
  SharedIndexSource inner_;
};

PrecisePrefix::PrecisePrefix(PrecisePrefixConfig config, KeySpace space)
    : config_(std::move(config)),
      space_(std::move(space)),
      index_(std::make_shared<SharedPreciseIndex>(index_options_of(config_))) {}

Result<std::shared_ptr<PrecisePrefix>> PrecisePrefix::start(const RouterSetup& setup,
                                                            const Options& options) {
  const PrecisePrefixConfig* config = find_config(setup.schedule);
  if (config == nullptr) return std::shared_ptr<PrecisePrefix>();
  std::shared_ptr<PrecisePrefix> out(
      new PrecisePrefix(*config, key_space_of(*config, setup.tokens.model)));
  SubscriberConfig subscriber;
  subscriber.topic_filter = config->topic_filter;
  subscriber.bind_address = config->zmq_endpoint;
  ASSIGN_OR_RETURN(out->subscriber_, EventSubscriber::start(subscriber, out->space_, *out->index_));
  if (options.metrics != nullptr) out->metrics_ = std::make_unique<KvMetrics>(*options.metrics);
  out->tokenizer_ = load_tokenizer(setup.tokens);
  out->work_pool_ = options.work_pool;
  return out;
}

std::shared_ptr<PrefixMatchSource> PrecisePrefix::source() {
  return std::make_shared<Source>(shared_from_this());
}

EventSource PrecisePrefix::source_of(const EndpointSnapshot& endpoint) const {
  EventSource out;
  out.endpoint = endpoint.id;
  out.topic_names = {endpoint.address, endpoint.name};
  for (const KvPublisher& publisher : config_.publishers) {
    if (publisher.endpoint != endpoint.address && publisher.endpoint != endpoint.name) continue;
    out.address = publisher.events;
    out.replay_address = publisher.replay;
    return out;
  }
  if (!config_.zmq_endpoint.empty() || !config_.discover_pods) return out;
  const std::string host = endpoint.address.substr(0, endpoint.address.rfind(':'));
  out.address = fmt::format("tcp://{}:{}", host, config_.socket_port + endpoint.rank);
  if (config_.replay_socket_port != 0) {
    out.replay_address =
        fmt::format("tcp://{}:{}", host, config_.replay_socket_port + endpoint.rank);
  }
  return out;
}

void PrecisePrefix::follow(const PoolSnapshot& pool) {
  std::vector<EventSource> sources;
  std::vector<std::string> adapters;
  for (const EndpointSnapshot& endpoint : pool.endpoints) {
    sources.push_back(source_of(endpoint));
    if (endpoint.lora == nullptr) continue;
    for (const auto* list : {&endpoint.lora->active, &endpoint.lora->waiting})
      adapters.insert(adapters.end(), list->begin(), list->end());
  }
  std::sort(adapters.begin(), adapters.end());
  adapters.erase(std::unique(adapters.begin(), adapters.end()), adapters.end());
  const std::scoped_lock lock(mutex_);
  adapters_ = std::move(adapters);
  if (sources == sources_) return;
  sources_ = sources;
  subscriber_->set_sources(std::move(sources));
}

std::string PrecisePrefix::adapter_of(std::string_view model) const {
  const std::scoped_lock lock(mutex_);
  const bool adapter = std::binary_search(adapters_.begin(), adapters_.end(), model, std::less<>());
  return adapter ? std::string(model) : std::string();
}

std::optional<PromptBlocks> PrecisePrefix::compute(PromptKind kind, std::string_view body,
                                                   const std::string& adapter) {
  auto tokens = tokenizer_->tokenize_now(kind, body);
  if (!tokens || tokens->prompts.empty()) return std::nullopt;
  std::unique_ptr<PromptKeys> keys;
  {
    const std::scoped_lock lock(mutex_);
    if (!keys_.empty()) {
      keys = std::move(keys_.back());
      keys_.pop_back();
    }
  }
  if (keys == nullptr) keys = std::make_unique<PromptKeys>(space_);
  PromptBlocks out;
  out.block_size_tokens = space_.block_size_tokens;
  out.num_tokens = tokens->prompts.front().size();
  keys->append(tokens->prompts.front(), tokens->cache_salt, adapter, out.keys);
  const std::scoped_lock lock(mutex_);
  keys_.push_back(std::move(keys));
  return out;
}

async::Task<std::optional<PromptBlocks>> PrecisePrefix::blocks_of(
    std::shared_ptr<PrecisePrefix> self, PromptKind kind, std::string_view body,
    std::string_view model) {
  if (self->tokenizer_ == nullptr) co_return std::nullopt;
  const std::string adapter = self->adapter_of(model);
  if (body.size() <= PromptTokenizer::kInlineBytes || self->work_pool_ == nullptr)
    co_return self->compute(kind, body, adapter);
  // A copy: the request may go away while the work runs.
  auto work = [self, kind, text = std::string(body), adapter] {
    return self->compute(kind, text, adapter);
  };
  auto done = co_await self->work_pool_->run(std::move(work));
  if (!done) co_return std::nullopt;  // too much waits: a pick without tokens is better than none
  co_return std::move(*done);
}

void PrecisePrefix::collect(telemetry::Snapshot& out, const telemetry::Labels& labels) const {
  KvMetrics::collect(out, labels, *index_, subscriber_.get());
}

}  // namespace nacelle::router
