#include "kube/server/reading.h"

#include <fmt/format.h>

#include "async/timer.h"
#include "kube/server/selectors.h"

namespace nacelle::kube::server {
namespace {

Failure expired_page(const ObjectKey& after) {
  Failure out = expired(
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start a "
      "new list without the continue parameter, or use the continue token in this response to "
      "retrieve "
      "the remainder of the results. Continuing with the provided token results in an inconsistent "
      "list "
      "- objects that were created, modified, or deleted between the time the first chunk was "
      "returned "
      "and now may show up in the list.");
  out.status["metadata"]["continue"] = encode_continue({.revision = std::nullopt, .after = after});
  return out;
}

// What the query means for the store; continue tokens and selectors are read.
Try<ListQuery> store_query(const Call& call, const ListOptions& options) {
  ListQuery query{.name_space = call.resource.name_space, .limit = options.limit};
  auto labels = LabelSelector::parse(options.label_selector);
  if (!labels.ok()) return std::move(labels.failure());
  auto fields = FieldSelector::parse(options.field_selector, *call.kind);
  if (!fields.ok()) return std::move(fields.failure());
  if (!labels->empty() || !fields->empty()) {
    const bool convert = !fields->empty() && call.kind->from_storage != nullptr;
    query.filter = [labels = std::move(*labels), fields = std::move(*fields), convert,
                    kind = call.kind](const StoredObject& object) {
      if (!labels.matches(object.json)) return false;
      return convert ? fields.matches(kind->from_storage(object.json))
                     : fields.matches(object.json);
    };
  }
  if (!options.continue_token.empty()) {
    if (options.version.has_value()) {
      return bad_request("specifying resource version is not allowed when using continue");
    }
    auto token = decode_continue(options.continue_token);
    if (!token.ok()) return std::move(token.failure());
    query.after = token->after;
    query.as_of = token->revision;
  } else if (options.match == VersionMatch::kExact) {
    query.as_of = options.version;
  } else if (options.version == std::uint64_t{0}) {
    query.limit = 0;  // as a cache answers it
  }
  return query;
}

}  // namespace

async::Task<std::optional<Failure>> wait_for_version(State& state, std::uint64_t version) {
  const TimePoint end = std::chrono::steady_clock::now() + 3s;
  while (state.store->revision() < version) {
    if (std::chrono::steady_clock::now() >= end) {
      co_return too_large_version(version, state.store->revision());
    }
    co_await async::sleep_for(20ms);
  }
  co_return std::nullopt;
}

async::Task<Try<Reply>> get_object(State& state, const Call& call) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  auto options = parse_list_options(call.parameters);
  if (!options.ok()) co_return std::move(options.failure());
  if (options->version.has_value()) {
    auto failure = co_await wait_for_version(state, *options->version);
    if (failure.has_value()) co_return std::move(*failure);
  }
  const ObjectPtr object = state.store->get(call.kind->collection, call.key());
  if (object == nullptr) co_return not_found(*call.kind, call.resource.name);
  co_return object_reply(call, *wanted, *object, 200, state.now_s());
}

async::Task<Try<Reply>> list_objects(State& state, const Call& call, const ListOptions& options) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  const std::string include = call.parameter("includeObject");
  if (!include.empty() && include != "None" && include != "Metadata" && include != "Object") {
    co_return bad_request(
        fmt::format("unrecognized includeObject value: {}", include.substr(0, 40)));
  }
  auto query = store_query(call, options);
  if (!query.ok()) co_return std::move(query.failure());
  if (options.version.has_value()) {
    auto failure = co_await wait_for_version(state, *options.version);
    if (failure.has_value()) co_return std::move(*failure);
  }
  auto listing = state.store->list(call.kind->collection, *query);
  if (!listing.ok()) {
    if (listing.error().code() != Code::kOutOfRange)
      co_return bad_request(listing.error().message());
    if (query->after.has_value()) co_return expired_page(*query->after);
    co_return expired("The resourceVersion for the provided list is too old.");
  }
  ListMeta meta{.revision = listing->revision, .continue_token = {}, .remaining = 0};
  if (listing->more) {
    meta.continue_token = encode_continue(
        {.revision = listing->revision, .after = key_of(listing->items.back()->json)});
    if (!query->filter) meta.remaining = listing->remaining;
  }
  co_return list_reply(call, *wanted, listing->items, meta, state.now_s());
}

}  // namespace nacelle::kube::server
