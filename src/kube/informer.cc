#include "kube/informer.h"

#include <charconv>
#include <utility>
#include <vector>

#include "base/check.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

constexpr Duration kShortWatch = std::chrono::seconds(1);
constexpr int kMinWatchSeconds = 300;  // the server ends a watch between this and twice this

// Versions are opaque but for this: real servers count up, so of two numbers the larger is newer.
// What is no number is taken as newer, since the server sent it later.
bool is_older(std::string_view version, std::string_view than) {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  const auto read = [](std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  };
  return read(version, a) && read(than, b) && a < b;
}

std::string label_of(const InformerOptions& options) {
  std::string out = options.resource.to_string();
  if (!options.name_space.empty()) out += " in " + options.name_space;
  if (!options.label_selector.empty()) out += " with " + options.label_selector;
  if (!options.field_selector.empty()) out += " with " + options.field_selector;
  return out;
}

}  // namespace

Informer::Informer(Client& client, InformerOptions options, Handler handler,
                   InformerMetrics* metrics)
    : client_(client),
      options_(std::move(options)),
      label_(label_of(options_)),
      handler_(std::move(handler)),
      metrics_(metrics),
      scope_(client.loop()),
      random_(std::random_device{}()),
      backoff_(options_.backoff) {
  if (metrics_ == nullptr) return;
  metrics_->connected.with({label_}).set(0);
  (void)metrics_->lists.with({label_});
  (void)metrics_->failures.with({label_});
}

Informer::~Informer() {
  if (metrics_ == nullptr) return;
  metrics_->connected.with({label_}).set(0);
  metrics_->objects.with({label_}).set(0);
}

void Informer::add_index(std::string name, Index::Values values) {
  CHECK(objects_.empty());
  indexes_.emplace(std::move(name), Index(std::move(values)));
}

std::vector<CachedObject> Informer::find(const std::string& index, const std::string& value) const {
  std::vector<CachedObject> out;
  for (const ObjectKey& key : indexes_.at(index).keys(value)) out.push_back(objects_.at(key));
  return out;
}

CachedObject Informer::get(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

void Informer::start() { scope_.spawn(run()); }

async::Task<void> Informer::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

async::Task<void> Informer::run() {
  Next next = Next::kList;
  while (!scope_.stop_requested()) {
    wait_at_least_ = {};
    if (next == Next::kWatch) {
      next = co_await watch();
      continue;
    }
    if (next == Next::kListAnew) list_from_ = version_;
    const bool listed = co_await list();
    if (listed) {
      next = Next::kWatch;
      continue;
    }
    next = Next::kList;
    co_await pause(wait_at_least_);
  }
}

async::Task<void> Informer::pause(Duration at_least) {
  const Duration wait =
      std::max(at_least, backoff_.failed(std::chrono::steady_clock::now(), random_()));
  (void)co_await scope_.sleep(wait);
}

std::string Informer::list_path(const std::string& continue_token) const {
  Query query{{"labelSelector", options_.label_selector},
              {"fieldSelector", options_.field_selector},
              {"limit", paged_ ? std::to_string(options_.page_objects) : std::string()}};
  if (continue_token.empty()) {
    query.emplace_back("resourceVersion", list_from_);
  } else {
    query.emplace_back("continue", continue_token);
  }
  return with_query(collection_path(options_.resource, options_.name_space), query);
}

std::string Informer::watch_path() {
  const int seconds = kMinWatchSeconds + static_cast<int>(random_() % kMinWatchSeconds);
  const Query query{{"labelSelector", options_.label_selector},
                    {"fieldSelector", options_.field_selector},
                    {"watch", "true"},
                    {"allowWatchBookmarks", "true"},
                    {"resourceVersion", version_},
                    {"timeoutSeconds", std::to_string(seconds)}};
  return with_query(collection_path(options_.resource, options_.name_space), query);
}

async::Task<bool> Informer::list() {
  Objects next;
  std::string token;
  do {
    Call next_page(list_path(token));
    next_page.patient = false;
    auto page = co_await client_.call(std::move(next_page));
    if (!page.ok()) {
      failed(page.error());
      co_return false;
    }
    if (page->error) {
      const ApiError& error = *page->error;
      wait_at_least_ = error.retry_after;
      if (options_.optional && (error.absent() || error.code == 403)) {
        version_.clear();
        list_from_ = "0";
        replace_all({});
        wait_at_least_ = std::max(wait_at_least_, options_.absent_period);
        worked();
        co_return false;
      }
      if (error.expired()) {  // of this list or of one of its pages: the newest, in one piece
        list_from_.clear();
        paged_ = false;
      }
      failed(error.to_status());
      co_return false;
    }
    version_ = version_of(page->body);
    token = text_at(page->body, {"metadata", "continue"});
    const auto items = page->body.find("items");
    if (items == page->body.end() || !items->is_array()) continue;
    for (Json& item : *items) {
      ObjectKey key = key_of(item);
      if (key.name.empty()) continue;
      Json object = std::move(item);
      trim(object);
      next.insert_or_assign(std::move(key), std::make_shared<const Json>(std::move(object)));
    }
  } while (!token.empty());
  if (version_.empty()) {
    failed(data_loss("the list of {} has no resourceVersion", label_));
    co_return false;
  }
  list_from_ = "0";
  paged_ = true;
  if (metrics_ != nullptr) metrics_->lists.with({label_}).increment();
  worked();
  replace_all(std::move(next));
  co_return true;
}

async::Task<Informer::Next> Informer::watch() {
  const TimePoint began = std::chrono::steady_clock::now();
  std::size_t seen = 0;
  {
    Watch stream(client_);
    auto opened = co_await stream.open(watch_path());
    if (!opened.ok()) {
      failed(opened.error());
      co_await pause({});
      co_return Next::kWatch;
    }
    if (opened->has_value()) {
      const ApiError& error = **opened;
      if (error.expired()) co_return Next::kListAnew;
      failed(error.to_status());
      co_await pause(error.retry_after);
      // Not found: the kind went. Bad request: this server does not know our version.
      co_return error.code == 404 || error.code == 400 ? Next::kList : Next::kWatch;
    }
    worked();
    std::vector<WatchEvent> events;
    for (;;) {
      events.clear();
      const Status read = co_await stream.read(events);
      seen += events.size();
      const bool history = apply(events);
      if (!history) co_return Next::kListAnew;
      if (scope_.stop_requested()) co_return Next::kWatch;
      if (read.ok() && !events.empty()) continue;
      if (read.ok()) break;  // the server ended it: go on from the last version
      failed(read);
      co_await pause({});
      // After garbage nobody knows what was missed.
      const bool lost = read.code() == Code::kDataLoss || read.code() == Code::kOutOfRange;
      co_return lost ? Next::kListAnew : Next::kWatch;
    }
  }
  // A server that ends every watch at once would be asked without a pause.
  if (seen == 0 && std::chrono::steady_clock::now() - began < kShortWatch) co_await pause({});
  co_return Next::kWatch;
}

bool Informer::apply(std::vector<WatchEvent>& events) {
  std::vector<ObjectChange> changes;
  bool history = true;
  for (WatchEvent& event : events) {
    if (event.type == WatchEvent::Type::kError) {
      const ApiError error = parse_api_error(500, event.object);
      if (!error.expired()) failed(error.to_status());
      history = false;
      break;
    }
    if (const std::string_view version = version_of(event.object); !version.empty()) {
      version_ = version;
    }
    if (event.type == WatchEvent::Type::kBookmark) continue;
    ObjectChange change{key_of(event.object), nullptr, nullptr};
    if (change.key.name.empty()) continue;
    const auto held = objects_.find(change.key);
    if (held != objects_.end()) {
      if (is_older(version_of(event.object), version_of(*held->second))) continue;
      change.before = held->second;
    }
    if (event.type == WatchEvent::Type::kDeleted) {
      if (held == objects_.end()) continue;
      objects_.erase(held);
    } else {
      trim(event.object);
      change.now = std::make_shared<const Json>(std::move(event.object));
      objects_.insert_or_assign(change.key, change.now);
    }
    changes.push_back(std::move(change));
  }
  if (metrics_ != nullptr) {
    metrics_->events.with({label_}).increment(static_cast<double>(events.size()));
  }
  if (!changes.empty()) tell(changes);
  return history;
}

void Informer::replace_all(Objects next) {
  std::vector<ObjectChange> changes;
  for (const auto& [key, object] : objects_) {
    if (!next.contains(key)) changes.push_back({key, object, nullptr});
  }
  for (const auto& [key, object] : next) {
    const auto held = objects_.find(key);
    if (held == objects_.end()) {
      changes.push_back({key, nullptr, object});
    } else if (version_of(*held->second) != version_of(*object)) {
      changes.push_back({key, held->second, object});
    }
  }
  objects_ = std::move(next);
  synced_ = true;
  tell(changes);
}

void Informer::tell(std::span<const ObjectChange> changes) {
  for (auto& [name, index] : indexes_) {
    for (const ObjectChange& change : changes) {
      index.update(change.key, change.before.get(), change.now.get());
    }
  }
  if (metrics_ != nullptr) {
    metrics_->objects.with({label_}).set(static_cast<double>(objects_.size()));
  }
  if (handler_) handler_(changes);
}

void Informer::worked() {
  if (told_failure_) log::info("the API server answers again", {{"collection", label_}});
  told_failure_ = false;
  connected_ = true;
  if (metrics_ != nullptr) metrics_->connected.with({label_}).set(1);
}

void Informer::failed(const Status& why) {
  if (why.code() == Code::kCancelled) return;  // we are stopping
  connected_ = false;
  if (metrics_ != nullptr) {
    metrics_->connected.with({label_}).set(0);
    metrics_->failures.with({label_}).increment();
  }
  if (told_failure_) return;
  told_failure_ = true;
  log::warn("the API server fails; what is known stays",
            {{"collection", label_}, {"why", why}, {"synced", synced_.load()}});
}

}  // namespace nacelle::kube
