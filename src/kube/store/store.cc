#include "kube/store.h"

#include <future>
#include <utility>

#include "kube/store/store_impl.h"

namespace nacelle::kube {
namespace {

class CollectionSubscription final : public Subscription {
 public:
  CollectionSubscription(std::shared_ptr<Store::Impl> store, std::string collection,
                         std::shared_ptr<store::Bell> bell, std::uint64_t position)
      : store_(std::move(store)),
        collection_(std::move(collection)),
        bell_(std::move(bell)),
        position_(position) {}

  async::Task<Result<std::vector<ChangePtr>>> next(std::size_t most, TimePoint deadline) override {
    for (;;) {
      Result<std::vector<ChangePtr>> changes = pull(most);
      if (!changes.ok() || !changes->empty()) co_return changes;
      const Status rung = co_await bell_->receive(rings_, deadline);
      if (rung.code() == Code::kDeadlineExceeded) co_return pull(most);  // moves the position
      if (!rung.ok()) co_return rung;
    }
  }

  std::uint64_t position() const override { return position_; }

  void cancel() override { bell_->close(cancelled("nobody reads any more")); }

 private:
  Result<std::vector<ChangePtr>> pull(std::size_t most) {
    std::shared_lock lock(store_->mutex);
    const store::Collection* collection = store_->collection_of(collection_);
    if (collection == nullptr) return std::vector<ChangePtr>();
    const std::uint64_t known = store_->known_from(collection);
    if (position_ < known) {
      return out_of_range("too old resource version: {} ({})", position_, known);
    }
    std::vector<ChangePtr> changes = collection->changes_after(position_, most);
    position_ =
        changes.size() == most ? changes.back()->revision : std::max(position_, store_->revision);
    return changes;
  }

  const std::shared_ptr<Store::Impl> store_;
  const std::string collection_;
  const std::shared_ptr<store::Bell> bell_;
  std::vector<bool> rings_;
  std::uint64_t position_;
};

}  // namespace

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->load());
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() {
  impl_->close();
  impl_->database.reset();  // releases the folder, also while a subscription still holds the rest
}

ObjectPtr Store::get(std::string_view collection, const ObjectKey& key) const {
  std::shared_lock lock(impl_->mutex);
  return impl_->find(collection, key);
}

Result<Listing> Store::list(std::string_view collection, const ListQuery& query) const {
  static const std::map<ObjectKey, ObjectPtr> kNone;
  Listing out;
  store::Page page;
  // A filter runs without the lock, over what the page without a limit holds.
  const std::size_t limit = query.filter ? 0 : query.limit;
  {
    std::shared_lock lock(impl_->mutex);
    const store::Collection* found = impl_->collection_of(collection);
    out.revision = query.as_of.value_or(impl_->revision);
    if (out.revision > impl_->revision) {
      return invalid_argument("revision {} is not reached, the store is at {}", out.revision,
                              impl_->revision);
    }
    if (out.revision < impl_->known_from(found)) {
      return out_of_range("revision {} is forgotten, {} is the oldest one known", out.revision,
                          impl_->known_from(found));
    }
    if (found == nullptr) {
      page = store::page_of(kNone, query, limit);
    } else if (out.revision == impl_->revision) {
      page = store::page_of(found->objects, query, limit);
    } else {
      page = store::page_of(found->as_of(out.revision), query, limit);
    }
  }
  out.items = std::move(page.items);
  out.more = page.more;
  out.remaining = page.remaining;
  if (!query.filter) return out;
  std::erase_if(out.items, [&](const ObjectPtr& object) { return !query.filter(*object); });
  if (query.limit != 0 && out.items.size() > query.limit) {
    out.more = true;
    out.remaining = out.items.size() - query.limit;
    out.items.resize(query.limit);
  }
  return out;
}

std::size_t Store::count(std::string_view collection) const {
  std::shared_lock lock(impl_->mutex);
  const store::Collection* found = impl_->collection_of(collection);
  return found == nullptr ? 0 : found->objects.size();
}

std::vector<std::string> Store::collections() const {
  std::shared_lock lock(impl_->mutex);
  std::vector<std::string> out;
  for (const auto& [name, collection] : impl_->collections) {
    if (!collection.objects.empty()) out.push_back(name);
  }
  return out;
}

std::uint64_t Store::revision() const {
  std::shared_lock lock(impl_->mutex);
  return impl_->revision;
}

std::uint64_t Store::compacted() const {
  std::shared_lock lock(impl_->mutex);
  return impl_->floor;
}

async::Task<Status> Store::flushed(async::Loop& loop) {
  return impl_->flusher->wait(loop, revision());
}

void Store::submit(Write write, std::function<void(WriteOutcome)> done) {
  impl_->submit(std::move(write), std::move(done));
}

async::Task<WriteOutcome> Store::write(async::Loop& loop, Write write) {
  auto answer = std::make_shared<async::Mailbox<WriteOutcome>>(loop, 1);
  impl_->submit(std::move(write),
                [answer](WriteOutcome outcome) { (void)answer->post(std::move(outcome)); });
  std::vector<WriteOutcome> outcome;
  const Status status = co_await answer->receive(outcome);
  if (!status.ok()) co_return WriteOutcome{.status = status, .object = nullptr};
  co_return std::move(outcome.front());
}

WriteOutcome Store::write_blocking(Write write) {
  // Shared: the store's thread may still be inside set_value() when the value is here.
  auto answer = std::make_shared<std::promise<WriteOutcome>>();
  impl_->submit(std::move(write),
                [answer](WriteOutcome outcome) { answer->set_value(std::move(outcome)); });
  return answer->get_future().get();
}

Result<std::unique_ptr<Subscription>> Store::subscribe(async::Loop& loop,
                                                       std::string_view collection,
                                                       std::uint64_t revision) {
  auto bell = std::make_shared<store::Bell>(loop, 1);
  std::lock_guard lock(impl_->mutex);
  store::Collection& found = impl_->collections[std::string(collection)];
  const std::uint64_t known = impl_->known_from(&found);
  if (revision < known) return out_of_range("too old resource version: {} ({})", revision, known);
  found.bells.push_back(bell);
  return std::unique_ptr<Subscription>(
      new CollectionSubscription(impl_, std::string(collection), std::move(bell), revision));
}

void Store::cancel_subscriptions() {
  std::lock_guard lock(impl_->mutex);
  impl_->close_bells(cancelled("the server is stopping"));
}

void Store::compact() {
  std::lock_guard lock(impl_->mutex);
  impl_->forget(0, TimePoint::max());
  impl_->floor = impl_->revision;
}

}  // namespace nacelle::kube
