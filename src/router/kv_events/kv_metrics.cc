#include "router/kv_events/kv_metrics.h"

#include <string>

namespace nacelle::router {
namespace {

using telemetry::Snapshot;

const std::vector<double> kLookupBounds = {1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4,
                                           2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2};

// Writes a metric under its name and its older twin.
class Twins {
 public:
  Twins(Snapshot& out, const telemetry::Labels& labels, std::string_view group,
        std::string_view old_group)
      : out_(out),
        labels_(labels),
        prefix_(fmt::format("llm_d_epp_{}_", group)),
        old_(fmt::format("{}_", old_group)) {}

  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    const std::string text = fmt::format("[ALPHA] {}", help);
    out_.counter(prefix_ + std::string(name), text, labels_, static_cast<double>(value));
    out_.counter(old_ + std::string(name), text, labels_, static_cast<double>(value));
  }
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    const std::string text = fmt::format("[ALPHA] {}", help);
    out_.gauge(prefix_ + std::string(name), text, labels_, static_cast<double>(value));
    out_.gauge(old_ + std::string(name), text, labels_, static_cast<double>(value));
  }

 private:
  Snapshot& out_;
  const telemetry::Labels& labels_;
  std::string prefix_, old_;
};

void collect_index(Snapshot& out, const telemetry::Labels& labels,
                   const SharedPreciseIndex& index) {
  const SharedPreciseIndex::Gauges now = index.gauges();
  Twins twins(out, labels, "kv_cache_index", "kvcache_index");
  twins.counter("admissions_total", "Entries (block, endpoint, tier) made.",
                now.counters.admissions);
  twins.counter("evictions_total", "Blocks forgotten for the bound.", now.counters.evictions);
  twins.counter("lookup_requests_total", "Prompts looked up.", now.lookups);
  twins.counter("lookup_hits_total", "Prompts of which an endpoint holds a block.",
                now.lookup_hits);
  twins.counter("max_pod_hit_count_total", "Blocks that the best endpoint of each prompt holds.",
                now.max_endpoint_hits);
  out.gauge("nacelle_router_kv_index_bytes", "Memory of the precise index.", labels,
            static_cast<double>(now.bytes));
  out.gauge("nacelle_router_kv_index_blocks", "Blocks in the precise index.", labels,
            static_cast<double>(now.blocks));
  out.counter("nacelle_router_kv_index_refused_total", "Entries not made for the bound.", labels,
              static_cast<double>(now.counters.refused));
}

void collect_events(Snapshot& out, const telemetry::Labels& labels, const SharedPreciseIndex& index,
                    const EventSubscriber& subscriber) {
  const SubscriberStats& stats = subscriber.stats();
  const std::uint64_t duplicates = index.gauges().counters.duplicate_removals;
  const std::uint64_t removed = stats.blocks_removed.load();
  Twins twins(out, labels, "kv_cache_events", "kvcache_kvevents");
  twins.counter("dedup_removed_hashes_suppressed_total",
                "Removed hashes of which the endpoint has another copy.", duplicates);
  twins.counter("dedup_removed_hashes_forwarded_total", "Removed hashes taken out of the index.",
                removed - std::min(removed, duplicates));
  twins.counter("stores_skipped_total", "BlockStored events that could not be placed.",
                stats.stores_skipped.load());
  twins.counter("removals_skipped_total", "BlockRemoved events of unknown blocks.",
                stats.removals_skipped.load());
  twins.counter("subscriber_reconnections_total", "Times that a publisher was reached again.",
                stats.reconnections.load());
  twins.counter("messages_received_total", "Messages, replayed ones included.",
                stats.messages.load());
  twins.counter("zmq_errors_total", "Errors of ZeroMQ sockets.", stats.zmq_errors.load());
  twins.gauge("active_subscribers", "Publishers that are connected.", stats.subscribers.load());
  twins.gauge("pool_queue_depth", "Messages that wait for a replay.",
              stats.pending_messages.load());
  twins.gauge("pool_capacity", "Messages that may wait for a replay, per endpoint.",
              subscriber.config().max_pending_messages);
  const auto own = [&](const char* name, const char* help,
                       const std::atomic<std::uint64_t>& value) {
    out.counter(fmt::format("nacelle_router_kv_events_{}_total", name), help, labels,
                static_cast<double>(value.load()));
  };
  own("bad_messages", "Messages that could not be read.", stats.bad_messages);
  own("gaps", "Gaps in the numbers of a publisher.", stats.gaps);
  own("restarts", "Publishers that began anew.", stats.restarts);
  own("replays_done", "Replays that ended well.", stats.replays_done);
  own("replays_failed", "Replays given up.", stats.replays_failed);
  own("resets", "Times that an endpoint's entries were dropped.", stats.resets);
}

}  // namespace

KvMetrics::KvMetrics(telemetry::Metrics& metrics)
    : lookup_(metrics
                  .histogram("llm_d_epp_kv_cache_index_lookup_latency_seconds",
                             "[ALPHA] Time of a lookup in the precise index.", kLookupBounds)
                  .with({})),
      old_lookup_(metrics
                      .histogram("kvcache_index_lookup_latency_seconds",
                                 "[ALPHA] Time of a lookup in the precise index.", kLookupBounds)
                      .with({})) {}

void KvMetrics::collect(Snapshot& out, const telemetry::Labels& labels,
                        const SharedPreciseIndex& index, const EventSubscriber* subscriber) {
  collect_index(out, labels, index);
  if (subscriber != nullptr) collect_events(out, labels, index, *subscriber);
}

}  // namespace nacelle::router
