#include "kube/server/watching.h"

#include <algorithm>

#include "kube/server/reading.h"
#include "kube/server/watch_events.h"

namespace nacelle::kube::server {
namespace {

constexpr std::size_t kFlushBytes = 256 << 10;
constexpr Duration kBookmarkEvery = std::chrono::seconds(50);

TimePoint end_of(const ListOptions& options, TimePoint now) {
  // Idle watches must not end early: some clients come back at once, in a circle.
  const std::int64_t seconds = std::clamp<std::int64_t>(options.timeout_s.value_or(0), 0, 86400);
  return now +
         std::chrono::seconds(seconds > 0 ? seconds : 1800 + now.time_since_epoch().count() % 1800);
}

// Another process is told only what is on the disk.
async::Task<Status> tell(State& state, const Call& call, net::http::ServerExchange& exchange,
                         std::string_view lines) {
  if (call.outside) CO_RETURN_IF_ERROR(co_await state.store->flushed(*call.loop));
  co_return co_await exchange.write(lines);
}

async::Task<Status> send_initial(State& state, const Call& call, const ListOptions& options,
                                 WatchEvents& events, net::http::ServerExchange& exchange,
                                 std::uint64_t& revision) {
  auto listing = state.store->list(call.kind->collection, {.name_space = call.resource.name_space});
  if (!listing.ok()) co_return listing.error();
  revision = listing->revision;
  std::string out;
  for (const ObjectPtr& object : listing->items) {
    events.append_added(object, state.now_s(), out);
    if (out.size() < kFlushBytes) continue;
    CO_RETURN_IF_ERROR(co_await tell(state, call, exchange, out));
    out.clear();
  }
  if (options.send_initial_events.value_or(false) && options.bookmarks) {
    events.append_bookmark(revision, true, out);
  }
  if (!out.empty()) co_return co_await tell(state, call, exchange, out);
  co_return Status();
}

// When a watch that asked for bookmarks gets one: now and then, and once shortly before its end.
class BookmarkClock {
 public:
  BookmarkClock(bool wanted, TimePoint now, TimePoint end) : wanted_(wanted), last_(end - 2s) {
    next_ = std::min(now + kBookmarkEvery, last_);
  }

  [[nodiscard]] TimePoint next(TimePoint end) const { return wanted_ ? std::min(next_, end) : end; }
  // True once for each time.
  [[nodiscard]] bool take(TimePoint now) {
    if (!wanted_ || now < next_) return false;
    next_ = now + kBookmarkEvery;
    if (now < last_) next_ = std::min(next_, last_);
    return true;
  }

 private:
  const bool wanted_;
  const TimePoint last_;
  TimePoint next_;
};

// A client that leaves wakes the watch, which otherwise sleeps until something happens.
class CancelWhenGone {
 public:
  CancelWhenGone(net::http::ServerExchange& exchange, Subscription& feed) : exchange_(exchange) {
    exchange_.on_client_gone([&feed] { feed.cancel(); });
  }
  ~CancelWhenGone() { exchange_.on_client_gone({}); }
  CancelWhenGone(const CancelWhenGone&) = delete;
  CancelWhenGone& operator=(const CancelWhenGone&) = delete;

 private:
  net::http::ServerExchange& exchange_;
};

// Follows the collection until the time is up, the client leaves, the server stops (which cancels
// the feed, too) or the history has gone on without it.
async::Task<Status> follow(State& state, const Call& call, const ListOptions& options,
                           WatchEvents& events, Subscription& feed,
                           net::http::ServerExchange& exchange) {
  const CancelWhenGone guard(exchange, feed);
  TimePoint now = std::chrono::steady_clock::now();
  const TimePoint end = end_of(options, now);
  BookmarkClock bookmarks(options.bookmarks, now, end);
  std::string out;
  while (!exchange.client_gone() && !state.draining) {
    auto changes = co_await feed.next(kMaxBatch, bookmarks.next(end));
    out.clear();
    if (!changes.ok()) {
      if (changes.error().code() != Code::kOutOfRange) break;
      WatchEvents::append_error(expired(changes.error().message()).status, out);
      (void)co_await exchange.write(out);
      break;
    }
    for (const ChangePtr& change : *changes) events.append(*change, state.now_s(), out);
    now = std::chrono::steady_clock::now();
    if (changes->size() < kMaxBatch && bookmarks.take(now)) {
      events.append_bookmark(feed.position(), false, out);
    }
    if (!out.empty()) CO_RETURN_IF_ERROR(co_await tell(state, call, exchange, out));
    if (now >= end) break;
  }
  co_return co_await exchange.finish();
}

}  // namespace

async::Task<std::optional<Reply>> serve_watch(State& state, const Call& call,
                                              const ListOptions& options,
                                              net::http::ServerExchange& exchange) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return failure_reply(wanted.failure(), call.pretty);
  auto labels = LabelSelector::parse(options.label_selector);
  if (!labels.ok()) co_return failure_reply(labels.failure(), call.pretty);
  auto fields = FieldSelector::parse(options.field_selector, *call.kind);
  if (!fields.ok()) co_return failure_reply(fields.failure(), call.pretty);
  const bool initial = options.send_initial_events.value_or(options.version.value_or(0) == 0);
  if (options.version.value_or(0) != 0 && options.send_initial_events.value_or(false)) {
    auto failure = co_await wait_for_version(state, *options.version);
    if (failure.has_value()) co_return failure_reply(*failure, call.pretty);
  }
  WatchEvents events(call, *wanted, std::move(*labels), std::move(*fields));
  net::http::ResponseHead head;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-cache, private");
  if (!call.kind->warning.empty()) {
    head.headers.add("warning", "299 - \"" + call.kind->warning + "\"");
  }
  if (!(co_await exchange.start(head)).ok()) co_return std::nullopt;
  const Status opened = co_await exchange.write({});
  if (!opened.ok()) co_return std::nullopt;
  std::uint64_t revision = options.version.value_or(0);
  if (revision == 0) revision = state.store->revision();
  if (initial) {
    const Status sent = co_await send_initial(state, call, options, events, exchange, revision);
    if (!sent.ok()) co_return std::nullopt;
  }
  auto feed = state.store->subscribe(*call.loop, call.kind->collection, revision);
  if (!feed.ok()) {
    std::string out;
    WatchEvents::append_error(expired(feed.error().message()).status, out);
    (void)co_await exchange.finish(out);
    co_return std::nullopt;
  }
  (void)co_await follow(state, call, options, events, **feed, exchange);
  co_return std::nullopt;
}

}  // namespace nacelle::kube::server
