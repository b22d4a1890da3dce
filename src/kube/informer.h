// informer.h: a copy of one collection of the API server, kept current.
//
// Lists, then watches from the version of the list, resuming where a watch ended; bookmarks move
// that place forward. When the server no longer has that history (410 Gone) the collection is
// listed again and what vanished meanwhile is told as deleted. Objects that a server sends twice or
// in the wrong order are told once: only a newer version of an object replaces it.
//
// While the server is away the objects stay as they were. connected() says whether they are
// current.
//
//   Informer pods(client, {.resource = {"", "v1", "pods"}, .name_space = "ml"}, on_change);
//   pods.start();  ...  co_await pods.stop();
//
// Home:    the client's loop; synced() and connected() from any thread. The handler is called on
// the
//          loop, once per list or piece of a watch: read objects() and decide from them, whatever
//          changed.
// Errors:  none leave: the informer tries again with growing waits (kube/backoff.h), longer when
// the
//          server asks for it.
// Bounds:  as kube/client.h; one list and one watch at a time.
// Source:  kubernetes-api.md sections 9, 10 and 25.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "kube/backoff.h"
#include "kube/client.h"
#include "kube/index.h"
#include "kube/informer_metrics.h"
#include "kube/object.h"
#include "kube/resource.h"

namespace nacelle::kube {

// Names of their own: kube/store.h, in the same namespace, has an ObjectPtr and a Change.
using CachedObject = std::shared_ptr<const Json>;

struct ObjectChange {
  ObjectKey key;
  CachedObject before;  // null for an object that appeared
  CachedObject now;     // null for one that went
};

struct InformerOptions {
  Resource resource;
  std::string name_space;  // "" is all namespaces
  std::string label_selector;
  std::string field_selector;
  // A kind that the server may not know, as those of a CRD that is not installed: 404 and 403 then
  // count as an empty collection, and it is asked again after absent_period.
  bool optional = false;
  Duration absent_period = std::chrono::seconds(30);
  int page_objects = 500;
  BackoffLimits backoff;
};

class Informer {
 public:
  using Objects = std::map<ObjectKey, CachedObject>;
  // Called after a list even when nothing changed: the first call means synced.
  using Handler = std::function<void(std::span<const ObjectChange>)>;

  // `client` and `metrics` (may be null) outlive the informer.
  Informer(Client& client, InformerOptions options, Handler handler,
           InformerMetrics* metrics = nullptr);
  ~Informer();
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Before start(). `name` is what find() is asked with.
  void add_index(std::string name, Index::Values values);
  // The objects under a value of an index, in the order of their keys. As current as objects().
  [[nodiscard]] std::vector<CachedObject> find(const std::string& index,
                                               const std::string& value) const;
  // Null when there is no such object.
  [[nodiscard]] CachedObject get(const ObjectKey& key) const;

  void start();                            // on the loop
  [[nodiscard]] async::Task<void> stop();  // await before destruction

  [[nodiscard]] const Objects& objects() const { return objects_; }
  // A first list was complete. Stays true.
  [[nodiscard]] bool synced() const { return synced_; }
  // The last call worked.
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  enum class Next : std::uint8_t { kWatch, kList, kListAnew };

  async::Task<void> run();
  // Lists all pages. True when objects_ is current.
  [[nodiscard]] async::Task<bool> list();
  [[nodiscard]] async::Task<Next> watch();
  [[nodiscard]] async::Task<void> pause(Duration at_least);
  [[nodiscard]] std::string list_path(const std::string& continue_token) const;
  [[nodiscard]] std::string watch_path();

  void replace_all(Objects next);
  // False when an event says that the history is gone.
  [[nodiscard]] bool apply(std::vector<WatchEvent>& events);
  void worked();
  void failed(const Status& why);
  void tell(std::span<const ObjectChange> changes);

  Client& client_;
  const InformerOptions options_;
  const std::string label_;  // of metrics and log lines
  Handler handler_;
  InformerMetrics* metrics_;
  async::StopScope scope_;
  std::mt19937_64 random_;
  Backoff backoff_;

  Objects objects_;
  std::map<std::string, Index> indexes_;
  std::string version_;          // the watch goes on from here
  std::string list_from_ = "0";  // any state will do at first; "" is the newest
  bool paged_ = true;
  Duration wait_at_least_{};
  std::atomic<bool> synced_{false};
  std::atomic<bool> connected_{false};
  bool told_failure_ = false;
};

}  // namespace nacelle::kube
