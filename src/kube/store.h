// store.h: Kubernetes objects on disk, in one order, with everything that happened lately.
//
//   ASSIGN_OR_RETURN(auto store, Store::open({.folder = "/var/lib/nacelle"}));
//   WriteOutcome made = co_await store->write(loop, {"pods", key, 0, object});
//   ASSIGN_OR_RETURN(auto feed, store->subscribe(loop, "pods", made.revision));
//
// One counter numbers every change of every object; it is the resourceVersion. A write names the
// revision that it replaces (0: the object must be absent), so that no change is lost; whoever
// wants an unconditional one reads and tries again. Reads come from memory. Writes of many callers
// share one SQLite transaction, which is written before any of them is answered or seen: it
// survives the end of this process. It is on the disk some milliseconds later; with the power the
// last transactions may be lost, never one from between. Whoever tells others than this process
// waits for flushed().
//
// Watches read one history of recent changes with a position of their own: nothing is queued for
// them, and one that falls behind the history is told so. The history is bounded in bytes and age
// and is empty after a start: what is older than it is answered by out_of_range, which the API
// calls 410 Expired.
//
// Home:    any thread; a Subscription belongs to one loop. Writes run on a thread of the store.
// Errors:  open(): unavailable (the folder is in use), data_loss (damaged file: a copy is kept and
//          the file stays as it is), resource_exhausted (no space). Writes: see WriteOutcome.
//          A disk that fails to sync ends all writes until the next start.
// Bounds:  StoreOptions.
// Source:  kubernetes-api.md sections 8 to 10.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/object.h"

namespace nacelle::kube {

struct StoredObject {
  Json json;                   // metadata.resourceVersion is `revision`
  std::string bytes;           // the same, compact: encoded once and sent many times
  std::uint64_t revision = 0;  // of its last change
};
using ObjectPtr = std::shared_ptr<const StoredObject>;

struct Change {
  std::uint64_t revision = 0;
  std::string collection;
  ObjectKey key;
  ObjectPtr before;  // null: created
  ObjectPtr after;   // for a deletion the last state, with the revision of the deletion
  bool deleted = false;
};
using ChangePtr = std::shared_ptr<const Change>;

struct Write {
  std::string collection;
  ObjectKey key;
  std::uint64_t expected = 0;  // the revision that is replaced; 0: the object must be absent
  Json object;                 // for a removal the last state that watchers see
  bool remove = false;
};

// already_exists and failed_precondition come with the object that stands there now; not_found: it
// is gone; resource_exhausted: disk full, a bound of the file or too many writes waiting, told
// apart by `disk_full`; unavailable: the disk failed; cancelled: the store is closing.
struct WriteOutcome {
  Status status;
  ObjectPtr object;
  bool disk_full = false;
};

struct StoreOptions {
  std::filesystem::path folder;
  std::uint64_t max_file_bytes = std::uint64_t{4} << 30;
  std::size_t max_history_bytes = std::size_t{96} << 20;  // estimated, in memory
  Duration history_age = std::chrono::minutes(5);
  std::size_t max_waiting_writes = 8192;
  std::size_t max_waiting_bytes = std::size_t{128} << 20;
  std::function<Status()> before_sync;  // for tests of slow and failing disks; null: nothing
};

struct ListQuery {
  std::string name_space;              // "" is all of them
  std::optional<ObjectKey> after;      // begins behind this key
  std::size_t limit = 0;               // 0: all
  std::optional<std::uint64_t> as_of;  // the state at that revision; out_of_range when forgotten
  std::function<bool(const StoredObject&)> filter;  // null: all; called without any lock
};

struct Listing {
  std::uint64_t revision = 0;  // of the state that was read
  std::vector<ObjectPtr> items;
  bool more = false;
  std::size_t remaining = 0;  // behind the page; exact without a filter
};

class Subscription;

class Store {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(StoreOptions options);
  ~Store();  // finishes the writes that wait, ends the subscriptions
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Null when absent.
  [[nodiscard]] ObjectPtr get(std::string_view collection, const ObjectKey& key) const;
  [[nodiscard]] Result<Listing> list(std::string_view collection, const ListQuery& query) const;
  [[nodiscard]] std::size_t count(std::string_view collection) const;
  [[nodiscard]] std::vector<std::string> collections() const;  // those with objects

  // Everything up to here is readable.
  [[nodiscard]] std::uint64_t revision() const;
  // Changes after this one are in the history.
  [[nodiscard]] std::uint64_t compacted() const;

  [[nodiscard]] async::Task<WriteOutcome> write(async::Loop& loop, Write write);
  // Returns once everything that is readable now is on the disk: at once where it is already.
  [[nodiscard]] async::Task<Status> flushed(async::Loop& loop);
  // `done` runs on the store's thread, after the change is readable.
  void submit(Write write, std::function<void(WriteOutcome)> done);
  // Not on a loop.
  [[nodiscard]] WriteOutcome write_blocking(Write write);

  // Changes after `revision`, which may lie in the future. out_of_range when they are forgotten.
  // kEveryCollection means all of them, in one order.
  static constexpr std::string_view kEveryCollection = "*";
  [[nodiscard]] Result<std::unique_ptr<Subscription>> subscribe(async::Loop& loop,
                                                                std::string_view collection,
                                                                std::uint64_t revision);

  // Cancels all subscriptions that there are: readers end, reads and writes go on.
  void cancel_subscriptions();

  // Forgets the history; for tests of what follows.
  void compact();

  struct Impl;

 private:
  explicit Store(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Changes of one collection, each once and in order.
class Subscription {
 public:
  virtual ~Subscription() = default;
  // Waits for changes and returns at most `most`; none at the deadline.
  // Errors: out_of_range when this reader fell behind the history, cancelled when the store closes.
  [[nodiscard]] virtual async::Task<Result<std::vector<ChangePtr>>> next(std::size_t most,
                                                                         TimePoint deadline) = 0;
  // No change up to here will come any more.
  [[nodiscard]] virtual std::uint64_t position() const = 0;
  // A next() that waits, and every later one, ends with cancelled once nothing is left to return.
  virtual void cancel() = 0;
};

}  // namespace nacelle::kube
