// collection.h: the objects of one kind in memory and their recent changes.
//
// Home:    none of its own: the store's lock is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "async/mailbox.h"
#include "kube/store.h"

namespace nacelle::kube::store {

// What a subscription sleeps on: one message is enough to wake it.
using Bell = async::Mailbox<bool>;

struct Collection {
  std::map<ObjectKey, ObjectPtr> objects;
  std::deque<ChangePtr> history;  // by revision
  std::uint64_t forgotten = 0;    // the last change that the history has dropped
  std::vector<std::weak_ptr<Bell>> bells;

  // Enters the change into objects and history.
  void apply(const ChangePtr& change);
  // The changes after `revision`, at most `most`.
  [[nodiscard]] std::vector<ChangePtr> changes_after(std::uint64_t revision,
                                                     std::size_t most) const;
  // The objects as they stood at `revision`, which the history must reach.
  [[nodiscard]] std::map<ObjectKey, ObjectPtr> as_of(std::uint64_t revision) const;
  // Rings every bell and forgets those that are gone.
  void ring();
};

// The page of `objects` that the query means, without its filter.
struct Page {
  std::vector<ObjectPtr> items;
  bool more = false;
  std::size_t remaining = 0;
};
[[nodiscard]] Page page_of(const std::map<ObjectKey, ObjectPtr>& objects, const ListQuery& query,
                           std::size_t limit);

}  // namespace nacelle::kube::store
