#include "gateway/ai/ai_plane.h"

#include <algorithm>
#include <unordered_map>

#include "gateway/ai/token_exchange.h"
#include "gateway/ai/usage/usage_query.h"
#include "openai/error.h"
#include "telemetry/log.h"

namespace nacelle::gateway::ai {

namespace {

WallMicros wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}
WallTime wall_seconds() { return std::chrono::floor<std::chrono::seconds>(wall_now()); }

bool same_books(const AiConfig& a, const AiConfig& b) {
  return a.usage && b.usage && a.usage->path == b.usage->path &&
         a.usage->retention_days == b.usage->retention_days &&
         a.usage->flush_interval == b.usage->flush_interval;
}

}  // namespace

AiPlane::AiPlane(async::Runtime& runtime) : runtime_(runtime) {
  refresher_ = std::thread([this] { refresh_credentials(); });
}

AiPlane::~AiPlane() { stop(); }

void AiPlane::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (refresher_.joinable()) refresher_.join();
}

std::shared_ptr<AiRuntime> AiPlane::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<std::shared_ptr<UsageWriter>> AiPlane::open_books(const AiConfig& config) {
  std::shared_ptr<UsageWriter> none;
  if (!config.usage) return none;
  const auto before = current();
  if (before && same_books(before->config(), config)) return before->shared().books;
  ASSIGN_OR_RETURN(std::unique_ptr<UsageStore> store, UsageStore::open(config.usage->path));
  UsageWriterOptions options;
  options.flush_interval = config.usage->flush_interval;
  options.retention_days = config.usage->retention_days;
  return std::make_shared<UsageWriter>(std::move(store), options);
}

Status AiPlane::restore_counters(const AiRuntime& runtime) {
  if (!runtime.config().usage) return {};
  ASSIGN_OR_RETURN(const std::unique_ptr<UsageStore> store,
                   UsageStore::open(runtime.config().usage->path));
  const WallMicros now = wall_now();
  // Nothing durable has a window longer than a year.
  ASSIGN_OR_RETURN(const std::vector<DurableCharge> charges,
                   store->counters(wall_seconds() - std::chrono::days(367)));
  std::unordered_map<std::string_view, const RateLimit*> by_name;
  for (const RateLimit* limit : runtime.durable_limits()) by_name.emplace(limit->name, limit);
  std::size_t restored = 0;
  for (const DurableCharge& charge : charges) {
    const auto limit = by_name.find(charge.limit_name);
    if (limit == by_name.end()) continue;
    limiter_->restore(*limit->second, charge, now);
    ++restored;
  }
  if (restored > 0) log::info("counters of limits put back", {{"counters", restored}});
  return {};
}

Result<std::shared_ptr<const Extension>> AiPlane::prepare(std::shared_ptr<const AiConfig> config) {
  prepared_.reset();
  std::shared_ptr<const Extension> none;
  if (!config) return none;
  const auto before = current();
  AiShared shared{.limiter = limiter_};
  ASSIGN_OR_RETURN(
      shared.credentials,
      UpstreamCredentials::open(config, before ? before->shared().credentials.get() : nullptr));
  ASSIGN_OR_RETURN(shared.books, open_books(*config));
  ASSIGN_OR_RETURN(std::shared_ptr<AiRuntime> made,
                   AiRuntime::make(std::move(config), std::move(shared)));
  if (!before) RETURN_IF_ERROR(restore_counters(*made));
  prepared_ = std::move(made);
  return std::shared_ptr<const Extension>(prepared_);
}

void AiPlane::commit() {
  std::vector<std::shared_ptr<UsageWriter>> unused;  // destroyed without the lock: they flush
  {
    const std::lock_guard lock(mutex_);
    if (current_ && current_->shared().books &&
        (!prepared_ || prepared_->shared().books != current_->shared().books)) {
      retired_.push_back(current_->shared().books);
    }
    current_ = std::move(prepared_);
    refresh_now_ = true;
    const auto used = std::stable_partition(
        retired_.begin(), retired_.end(), [](const auto& books) { return books.use_count() > 1; });
    std::move(used, retired_.end(), std::back_inserter(unused));
    retired_.erase(used, retired_.end());
  }
  wake_.notify_all();
}

AdminHandler AiPlane::admin() {
  return [this](std::string path, std::string query) {
    return answer_admin(std::move(path), std::move(query));
  };
}

async::Task<std::optional<AdminAnswer>> AiPlane::answer_admin(std::string path, std::string query) {
  if (path != "/usage") co_return std::nullopt;
  const auto runtime = current();
  if (!runtime || !runtime->shared().books) {
    co_return AdminAnswer{
        404, openai::to_json(openai::http_error(404, "There is no UsageStore: nothing is kept."))};
  }
  // Read through a connection of its own, on a thread that may wait for the disk.
  const auto read = [books = runtime->shared().books, file = runtime->config().usage->path,
                     query = std::move(query)]() -> Result<std::string> {
    books->flush();
    ASSIGN_OR_RETURN(const std::unique_ptr<UsageStore> store, UsageStore::open(file));
    return answer_usage(*store, query, wall_seconds());
  };
  const Result<std::string> answer = co_await queries_.run(read);
  if (answer) co_return AdminAnswer{200, *answer};
  const int status = answer.error().code() == Code::kInvalidArgument ? 400 : 503;
  co_return AdminAnswer{status,
                        openai::to_json(openai::http_error(status, answer.error().message()))};
}

void AiPlane::add_collector(telemetry::Metrics& metrics) {
  metrics.add_collector([this](telemetry::Snapshot& out) {
    out.gauge("nacelle_gateway_ai_limit_counters", "Counters of limits that are kept.", {},
              static_cast<double>(limiter_->num_counters()));
    const auto runtime = current();
    if (!runtime || !runtime->shared().books) return;
    const UsageWriter& books = *runtime->shared().books;
    const auto count = [&](const char* outcome, std::uint64_t value) {
      out.counter("nacelle_gateway_ai_usage_records_total",
                  "Usage records, by what became of them.", {{"outcome", outcome}},
                  static_cast<double>(value));
    };
    count("written", books.num_written());
    count("dropped", books.num_dropped());
    count("lost", books.num_lost());
  });
}

void AiPlane::refresh_credentials() {
  const auto exchange = [this](const TokenRequest& request) -> Result<std::string> {
    return async::run_blocking(runtime_.loop(0), exchange_token(&runtime_.loop(0), &request));
  };
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    refresh_now_ = false;
    const auto runtime = current_;
    lock.unlock();
    if (runtime) runtime->shared().credentials->refresh(wall_seconds(), exchange);
    lock.lock();
    wake_.wait_for(lock, kRefreshInterval, [this] { return stopping_ || refresh_now_; });
  }
}

}  // namespace nacelle::gateway::ai
