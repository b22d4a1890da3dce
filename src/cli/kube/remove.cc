#include "cli/kube/remove.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "async/timer.h"
#include "cli/kube/selection.h"

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr Duration kFirstPause = std::chrono::milliseconds(20);
constexpr Duration kLongestPause = std::chrono::milliseconds(500);

struct Doomed {
  kube::ObjectRef ref;
  std::string label;  // "deployment.apps \"web\""
  std::string uid;
};

class Remove {
 public:
  Remove(Cluster& cluster, RemoveOptions options, const Terminal& terminal)
      : cluster_(cluster), options_(std::move(options)), terminal_(terminal) {}

  async::Task<int> run() {
    auto catalog = co_await KindCatalog::load(*cluster_.client);
    if (!catalog.ok()) {
      terminal_.err("error: " + catalog.error().message() + "\n" + cluster_.hint + "\n");
      co_return 1;
    }
    std::vector<Doomed> list;
    collect_files(*catalog, list);
    if (!options_.words.empty()) {
      auto selected = select(*catalog, options_.words);
      if (!selected.ok()) {
        fail("error: " + selected.error().message());
      } else {
        for (const Selection& each : *selected) co_await collect(each, list);
      }
    }
    std::vector<Doomed> going;
    for (Doomed& each : list) {
      const bool gone = co_await remove_one(each);
      if (!gone && !each.uid.empty()) going.push_back(std::move(each));
    }
    if (options_.wait && !options_.dry_run) {
      for (const Doomed& each : going) co_await wait_for(each);
    }
    co_return failed_ ? 1 : 0;
  }

 private:
  void fail(const std::string& text) {
    terminal_.err(text + "\n");
    failed_ = true;
  }

  Doomed doomed(const ResourceType& type, const std::string& name_space,
                const std::string& name) const {
    std::string label = type.label("");
    label.pop_back();  // the slash
    return {kube::ObjectRef(type.resource, type.namespaced ? name_space : "", name),
            label + " \"" + name + "\"", ""};
  }

  void collect_files(const KindCatalog& catalog, std::vector<Doomed>& list) {
    // Kinds and namespaces go after what is in them.
    sort_for_creation(options_.objects);
    std::reverse(options_.objects.begin(), options_.objects.end());
    for (const ManifestObject& each : options_.objects) {
      const auto type = catalog.of_object(each.object);
      const kube::ObjectKey key = kube::key_of(each.object);
      if (type) {
        list.push_back(
            doomed(*type, key.name_space.empty() ? cluster_.name_space : key.name_space, key.name));
      } else if (!options_.ignore_not_found) {
        fail(fmt::format("error: {}: no matches for kind \"{}\" in version \"{}\"", each.from,
                         text_at(each.object, {"kind"}), text_at(each.object, {"apiVersion"})));
      }
    }
  }

  async::Task<void> collect(const Selection& selection, std::vector<Doomed>& list) {
    for (const std::string& name : selection.names) {
      list.push_back(doomed(selection.type, cluster_.name_space, name));
    }
    if (!selection.names.empty()) co_return;
    if (!options_.all && options_.label_selector.empty()) {
      fail(
          "error: resource(s) were provided, but no name was specified: name them, or use --all "
          "or -l");
      co_return;
    }
    kube::ListOptions which;
    which.label_selector = options_.label_selector;
    const std::string space = selection.type.namespaced ? cluster_.name_space : "";
    auto answer = co_await cluster_.client->list(selection.type.resource, space, which);
    if (!succeeded(answer)) co_return fail(sentence(answer));
    for (const Json& item : kube::list_at(answer->body, {"items"})) {
      list.push_back(doomed(selection.type, cluster_.name_space, kube::key_of(item).name));
    }
  }

  // True when it is gone already.
  async::Task<bool> remove_one(Doomed& each) {
    kube::DeleteOptions how;
    how.propagation = options_.propagation;
    how.grace_seconds = options_.grace_seconds;
    how.dry_run = options_.dry_run;
    auto answer = co_await cluster_.client->remove(each.ref, how);
    if (!succeeded(answer)) {
      const bool absent = answer.ok() && answer->error->absent();
      if (!absent || !options_.ignore_not_found) {
        fail(sentence(answer));
        if (!answer.ok()) terminal_.err(cluster_.hint + "\n");
      }
      co_return true;
    }
    terminal_.warn(answer->warnings);
    terminal_.out(each.label + " deleted" + (options_.dry_run ? " (server dry run)" : "") + "\n");
    // The object when it waits for something, else a Status with its uid.
    each.uid = text_at(answer->body, {"metadata", "uid"});
    if (each.uid.empty()) each.uid = text_at(answer->body, {"details", "uid"});
    co_return text_at(answer->body, {"kind"}) == "Status" &&
        text_at(answer->body, {"details", "uid"}).empty();
  }

  // Until there is no such object, or another one of its name.
  async::Task<void> wait_for(const Doomed& each) {
    const TimePoint begin = std::chrono::steady_clock::now();
    Duration pause = kFirstPause;
    for (;;) {
      auto read = co_await cluster_.client->get(each.ref);
      if (read.ok() && read->error && read->error->absent()) co_return;
      if (succeeded(read) && text_at(read->body, {"metadata", "uid"}) != each.uid) co_return;
      if (!succeeded(read)) co_return fail(sentence(read));
      const Duration waited = std::chrono::steady_clock::now() - begin;
      if (options_.timeout > Duration{} && waited > options_.timeout) {
        const Json& held = kube::list_at(read->body, {"metadata", "finalizers"});
        co_return fail("error: timed out waiting for " + each.label + " to go" +
                       (held.empty() ? "" : ": its finalizers are " + held.dump()));
      }
      co_await async::sleep_for(pause);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  Cluster& cluster_;
  RemoveOptions options_;
  const Terminal& terminal_;
  bool failed_ = false;
};

}  // namespace

async::Task<int> remove(Cluster& cluster, RemoveOptions options, const Terminal& terminal) {
  Remove command(cluster, std::move(options), terminal);
  const int code = co_await command.run();
  co_return code;
}

}  // namespace nacelle::cli
