// watch_events.h: what a watcher sees of changes: selectors turn them into others, and each becomes
// a line.
//
// Home:    one watcher.
// Source:  kubernetes-api.md section 10.2.
#pragma once

#include <string>

#include "kube/server/answers.h"
#include "kube/server/selectors.h"
#include "kube/store.h"

namespace nacelle::kube::server {

class WatchEvents {
 public:
  WatchEvents(const Call& call, Wanted wanted, LabelSelector labels, FieldSelector fields)
      : call_(call),
        wanted_(std::move(wanted)),
        labels_(std::move(labels)),
        fields_(std::move(fields)) {}

  [[nodiscard]] bool matches(const ObjectPtr& object) const;

  // Appends the line, if the watcher is to see one.
  void append(const Change& change, std::int64_t now_s, std::string& out);
  void append_added(const ObjectPtr& object, std::int64_t now_s, std::string& out);
  void append_bookmark(std::uint64_t revision, bool initial_end, std::string& out);
  static void append_error(const Json& status, std::string& out);

 private:
  void append_event(std::string_view type, const StoredObject& object, std::int64_t now_s,
                    std::string& out);

  const Call& call_;
  const Wanted wanted_;
  const LabelSelector labels_;
  const FieldSelector fields_;
  bool columns_sent_ = false;
};

}  // namespace nacelle::kube::server
