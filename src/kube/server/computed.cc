#include "kube/server/computed.h"

#include <algorithm>

#include "kube/server/selectors.h"

namespace nacelle::kube::server {
namespace {

Try<Reply> one_of(const Call& call, const Wanted& wanted, const std::vector<Json>& objects,
                  std::int64_t now_s) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const Json& object) { return key_of(object) == call.key(); });
  if (found == objects.end()) return not_found(*call.kind, call.resource.name);
  return json_object_reply(call, wanted, *found, 200, now_s);
}

Try<Reply> list_of(const State& state, const Call& call, const ListOptions& options,
                   const Wanted& wanted, std::vector<Json> objects) {
  auto labels = LabelSelector::parse(options.label_selector);
  if (!labels.ok()) return std::move(labels.failure());
  auto fields = FieldSelector::parse(options.field_selector, *call.kind);
  if (!fields.ok()) return std::move(fields.failure());
  std::sort(objects.begin(), objects.end(),
            [](const Json& a, const Json& b) { return key_of(a) < key_of(b); });
  std::vector<ObjectPtr> items;
  for (Json& object : objects) {
    if (!labels->matches(object) || !fields->matches(object)) continue;
    auto item = std::make_shared<StoredObject>();
    item->bytes = object.dump(-1, ' ', false, Json::error_handler_t::replace);
    item->json = std::move(object);
    items.push_back(std::move(item));
  }
  const ListMeta meta{.revision = state.store->revision(), .continue_token = {}, .remaining = 0};
  return list_reply(call, wanted, items, meta, state.now_s());
}

}  // namespace

async::Task<Try<Reply>> serve_computed(State& state, const Call& call) {
  if (!call.resource.subresource.empty()) co_return no_such_resource();
  auto options = parse_list_options(call.parameters);
  if (!options.ok()) co_return std::move(options.failure());
  if (call.method != "GET" || options->watch || call.resource.old_watch) {
    co_return method_not_allowed();
  }
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  ObjectSource& source = *state.options.sources.at(call.kind->collection);
  auto objects = co_await source.read(*call.loop, call.kind->collection, call.resource.name_space);
  if (!objects.ok()) co_return store_failure(objects.error(), false);
  if (!call.resource.name.empty()) co_return one_of(call, *wanted, *objects, state.now_s());
  co_return list_of(state, call, *options, *wanted, std::move(*objects));
}

}  // namespace nacelle::kube::server
