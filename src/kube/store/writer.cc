#include "kube/store/writer.h"

#include <memory>

namespace nacelle::kube::store {
namespace {

using Place = std::pair<std::string, ObjectKey>;

Status check(const Write& write, const ObjectPtr& now) {
  if (write.expected == 0) {
    if (now == nullptr) return {};
    return already_exists("{} {} exists", write.collection, write.key.to_string());
  }
  if (now == nullptr) {
    return not_found("{} {} is absent", write.collection, write.key.to_string());
  }
  if (now->revision == write.expected) return {};
  return failed_precondition("{} {} is at revision {}, the write names {}", write.collection,
                             write.key.to_string(), now->revision, write.expected);
}

ObjectPtr numbered(Json object, std::uint64_t revision) {
  auto out = std::make_shared<StoredObject>();
  out->revision = revision;
  object["metadata"]["resourceVersion"] = std::to_string(revision);
  out->bytes = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  out->json = std::move(object);
  return out;
}

}  // namespace

std::uint64_t decide_writes(std::span<PendingWrite> batch, std::uint64_t revision,
                            const Lookup& lookup) {
  std::map<Place, ObjectPtr> decided;  // what this batch makes of the objects it touches
  for (PendingWrite& pending : batch) {
    Write& write = pending.write;
    Place place(write.collection, write.key);
    const auto earlier = decided.find(place);
    ObjectPtr now =
        earlier != decided.end() ? earlier->second : lookup(write.collection, write.key);
    pending.change = nullptr;
    pending.outcome = {.status = check(write, now), .object = now};
    if (!pending.outcome.status.ok()) continue;
    ++revision;
    auto change = std::make_shared<Change>();
    change->revision = revision;
    change->collection = write.collection;
    change->key = write.key;
    change->before = std::move(now);
    change->deleted = write.remove;
    change->after = numbered(write.object, revision);
    pending.outcome.object = change->after;
    decided[std::move(place)] = write.remove ? nullptr : change->after;
    pending.change = std::move(change);
  }
  return revision;
}

Status store_writes(std::span<PendingWrite> batch, std::uint64_t revision, Database& database) {
  std::vector<RowChange> rows;
  rows.reserve(batch.size());
  for (const PendingWrite& pending : batch) {
    if (pending.change == nullptr) continue;
    rows.push_back(
        {.collection = pending.write.collection,
         .key = &pending.write.key,
         .revision = pending.change->revision,
         .body = pending.write.remove ? std::string_view() : pending.change->after->bytes});
  }
  return rows.empty() ? Status() : database.apply(rows, revision);
}

}  // namespace nacelle::kube::store
