// shared_informers.h: one copy of each collection for all controllers of a process.
//
// Controllers name the kinds they read while they are made; start() begins to read. A controller
// decides only after ready(): what it does not see is not there then.
//
// Home:    the client's loop.
// Errors:  those of informers (kube/informer.h): they try again by themselves.
// Bounds:  one list and one watch per kind.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "control/core/decision.h"
#include "kube/informer.h"

namespace nacelle::control {

// Indexes that every kind has, by what kube::Informer::find() is asked with.
inline constexpr const char* kByController = "controller";  // uid of the controlling owner; "-ns"
                                                            // for those of `ns` without one
inline constexpr const char* kByLabel = "label";            // label_value()
inline constexpr const char* kByNamespace = "namespace";
inline constexpr const char* kByAny = "any";  // "" is all objects

[[nodiscard]] std::string label_value(std::string_view name_space, std::string_view label,
                                      std::string_view value);
[[nodiscard]] std::string no_controller(std::string_view name_space);

class SharedInformers {
 public:
  using Handler = std::function<void(std::span<const kube::ObjectChange>)>;

  // Both outlive this; `metrics` may be null.
  explicit SharedInformers(kube::Client& client, kube::InformerMetrics* metrics = nullptr);

  // The same informer for all who ask. Before start() for kinds that were not asked for yet.
  kube::Informer& of(std::string_view api_version, std::string_view kind);
  // Called after each list and piece of a watch.
  void on_change(std::string_view api_version, std::string_view kind, Handler handler);

  // Objects as values, as pure controllers want them; apiVersion and kind are filled in, which
  // lists leave out.
  [[nodiscard]] std::vector<Json> find(std::string_view api_version, std::string_view kind,
                                       const std::string& index, const std::string& value);
  [[nodiscard]] std::optional<Json> get(const Target& target);
  // What a controller must look at to know the dependents of `owner`: objects that it controls,
  // those of its namespace that nobody does, and those that have taken a name `<owner>-...`.
  [[nodiscard]] std::vector<Json> dependents(std::string_view api_version, std::string_view kind,
                                             const Json& owner);

  void start();
  [[nodiscard]] async::Task<void> stop();
  // Waits until every kind was listed once, or the surrounding task was cancelled.
  [[nodiscard]] async::Task<Status> ready();
  [[nodiscard]] bool synced() const;
  // Changes that were seen so far, of all kinds but those that only say that somebody lives.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  struct Kind {
    std::string api_version, kind;
    std::vector<Handler> handlers;
    std::unique_ptr<kube::Informer> informer;
  };

  Kind& entry(std::string_view api_version, std::string_view kind);

  kube::Client& client_;
  kube::InformerMetrics* const metrics_;
  std::map<std::string, std::unique_ptr<Kind>, std::less<>> kinds_;  // by "apiVersion/Kind"
  async::Event synced_;
  std::uint64_t changes_ = 0;
  bool started_ = false;
};

}  // namespace nacelle::control
