// store_impl.h: what a store holds, shared with the subscriptions that outlive it.
//
// Home:    any thread: `mutex` guards what is read, `queue_mutex` the writes that wait. Objects are
//          changed by the store's thread only.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "kube/store.h"
#include "kube/store/collection.h"
#include "kube/store/database.h"
#include "kube/store/flusher.h"
#include "kube/store/writer.h"

namespace nacelle::kube {

struct Store::Impl {
  explicit Impl(StoreOptions given) : options(std::move(given)) {}

  [[nodiscard]] Status load();
  void run();  // the store's thread
  void submit(Write write, std::function<void(WriteOutcome)> done);
  void close();
  void close_bells(const Status& reason);  // with `mutex` held

  [[nodiscard]] ObjectPtr find(std::string_view collection, const ObjectKey& key) const;
  // With the lock: the oldest revision from which this collection's changes are known.
  [[nodiscard]] std::uint64_t known_from(const store::Collection* collection) const;
  [[nodiscard]] const store::Collection* collection_of(std::string_view name) const;
  // With the lock: the history of all collections in one; it holds no objects.
  [[nodiscard]] store::Collection& everything();
  void forget(std::size_t max_bytes, TimePoint before);

  const StoreOptions options;
  std::unique_ptr<store::Database> database;  // the store's thread, once loaded
  std::unique_ptr<store::Flusher> flusher;    // of the database, once loaded

  mutable std::shared_mutex mutex;
  std::map<std::string, store::Collection, std::less<>> collections;
  std::uint64_t revision = 0;
  std::uint64_t floor = 0;  // nothing before this is known of any collection
  struct Trace {
    TimePoint at;
    store::Collection* collection;
    std::size_t cost;
  };
  std::deque<Trace> traces;  // the history of all collections, in order
  std::size_t history_bytes = 0;

  std::mutex queue_mutex;
  std::condition_variable ready;
  std::vector<store::PendingWrite> queue;
  std::size_t queue_bytes = 0;
  bool closing = false;
  std::thread thread;

 private:
  void handle(std::vector<store::PendingWrite>& batch);
  void publish(std::span<store::PendingWrite> batch, std::uint64_t last);
};

}  // namespace nacelle::kube
