#include "kube/store/store_impl.h"

#include <algorithm>
#include <utility>

namespace nacelle::kube {
namespace {

constexpr std::size_t kBatchWrites = 512;

// A tree of JSON takes about ten times the bytes of its text.
std::size_t cost_of(const ObjectPtr& object) {
  return object == nullptr ? 0 : 512 + 11 * object->bytes.size();
}

std::size_t size_hint(const Json& json) {
  // Cheap and good enough for a bound: containers count their direct children.
  return 256 + 64 * json.size();
}

}  // namespace

Status Store::Impl::load() {
  ASSIGN_OR_RETURN(database, store::Database::open(options.folder, options.max_file_bytes));
  const auto reader = [this](std::string_view collection, ObjectKey key, std::uint64_t at,
                             std::string_view body) -> Status {
    auto object = std::make_shared<StoredObject>();
    object->json = Json::parse(body, nullptr, false);
    if (!object->json.is_object() || at > database->revision()) {
      return database->damaged(fmt::format("{} {} cannot be read", collection, key.to_string()));
    }
    object->bytes = body;
    object->revision = at;
    collections[std::string(collection)].objects[std::move(key)] = std::move(object);
    return {};
  };
  RETURN_IF_ERROR(database->read_all(reader));
  revision = floor = database->revision();
  flusher = std::make_unique<store::Flusher>(revision, [this]() -> Status {
    if (options.before_sync) RETURN_IF_ERROR(options.before_sync());
    return database->sync();
  });
  return {};
}

const store::Collection* Store::Impl::collection_of(std::string_view name) const {
  const auto found = collections.find(name);
  return found == collections.end() ? nullptr : &found->second;
}

ObjectPtr Store::Impl::find(std::string_view collection, const ObjectKey& key) const {
  const store::Collection* objects = collection_of(collection);
  if (objects == nullptr) return nullptr;
  const auto found = objects->objects.find(key);
  return found == objects->objects.end() ? nullptr : found->second;
}

store::Collection& Store::Impl::everything() { return collections[std::string(kEveryCollection)]; }

std::uint64_t Store::Impl::known_from(const store::Collection* collection) const {
  return collection == nullptr ? floor : std::max(floor, collection->forgotten);
}

void Store::Impl::forget(std::size_t max_bytes, TimePoint before) {
  while (!traces.empty() && (history_bytes > max_bytes || traces.front().at < before)) {
    const Trace trace = traces.front();
    traces.pop_front();
    history_bytes -= trace.cost;
    for (store::Collection* history : {trace.collection, &everything()}) {
      history->forgotten = history->history.front()->revision;
      history->history.pop_front();
    }
  }
}

void Store::Impl::submit(Write write, std::function<void(WriteOutcome)> done) {
  const std::size_t bytes = size_hint(write.object);
  Status refused = flusher->failure();
  if (refused.ok()) {
    std::lock_guard lock(queue_mutex);
    if (closing) {
      refused = cancelled("the store is closing");
    } else if (queue.size() >= options.max_waiting_writes ||
               queue_bytes + bytes > options.max_waiting_bytes) {
      refused = resource_exhausted("{} writes wait already, the most that may", queue.size());
    } else {
      queue.push_back({.write = std::move(write), .done = std::move(done)});
      queue_bytes += bytes;
    }
  }
  if (refused.ok()) {
    ready.notify_one();
  } else {
    done({.status = std::move(refused)});
  }
}

void Store::Impl::run() {
  std::vector<store::PendingWrite> batch;
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(queue_mutex);
      ready.wait(lock, [this] { return closing || !queue.empty(); });
      if (queue.empty()) return;
      if (queue.size() <= kBatchWrites) {
        batch.swap(queue);
        queue_bytes = 0;
      } else {
        const auto end = queue.begin() + static_cast<std::ptrdiff_t>(kBatchWrites);
        batch.assign(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
        queue.erase(queue.begin(), end);
        for (const store::PendingWrite& taken : batch) {
          queue_bytes -= std::min(queue_bytes, size_hint(taken.write.object));
        }
      }
    }
    handle(batch);
  }
}

void Store::Impl::handle(std::vector<store::PendingWrite>& batch) {
  const store::Lookup lookup = [this](std::string_view collection, const ObjectKey& key) {
    std::shared_lock lock(mutex);  // a subscription may add a collection
    return find(collection, key);
  };
  const auto attempt = [&](std::span<store::PendingWrite> part) {
    const std::uint64_t last = store::decide_writes(part, revision, lookup);
    Status status = store::store_writes(part, last, *database);
    if (!status.ok()) return status;
    flusher->written(last);
    publish(part, last);
    return status;
  };
  if (Status status = attempt(batch); !status.ok()) {
    // One write too large for the space that is left must not fail those beside it, least of all
    // removals: each is tried alone.
    for (store::PendingWrite& pending : batch) {
      if (batch.size() > 1) status = attempt({&pending, 1});
      if (status.ok() || pending.change == nullptr) continue;
      pending.outcome = {.status = status, .disk_full = status.code() == Code::kResourceExhausted};
    }
  }
  for (store::PendingWrite& pending : batch) pending.done(std::move(pending.outcome));
}

void Store::Impl::publish(std::span<store::PendingWrite> batch, std::uint64_t last) {
  const TimePoint now = std::chrono::steady_clock::now();
  std::lock_guard lock(mutex);
  std::vector<store::Collection*> changed;
  for (const store::PendingWrite& pending : batch) {
    if (pending.change == nullptr) continue;
    store::Collection& collection = collections[pending.write.collection];
    collection.apply(pending.change);
    everything().history.push_back(pending.change);
    // The state before is counted when it was the state after.
    const std::size_t cost = 128 + cost_of(pending.change->after);
    traces.push_back({.at = now, .collection = &collection, .cost = cost});
    history_bytes += cost;
    if (std::find(changed.begin(), changed.end(), &collection) == changed.end()) {
      changed.push_back(&collection);
    }
  }
  revision = last;
  forget(options.max_history_bytes, now - options.history_age);
  if (!changed.empty()) everything().ring();
  for (store::Collection* collection : changed) collection->ring();
}

void Store::Impl::close() {
  {
    std::lock_guard lock(queue_mutex);
    closing = true;
  }
  ready.notify_one();
  if (thread.joinable()) thread.join();
  flusher.reset();
  std::lock_guard lock(mutex);
  close_bells(cancelled("the store is closing"));
}

void Store::Impl::close_bells(const Status& reason) {
  for (auto& [name, collection] : collections) {
    for (const std::weak_ptr<store::Bell>& weak : collection.bells) {
      if (const auto bell = weak.lock()) bell->close(reason);
    }
  }
}

}  // namespace nacelle::kube
