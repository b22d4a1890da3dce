// ai_plane.h: what of the AI gateway outlives a configuration: counters, books, tokens.
//
//   AiPlane ai(runtime);
//   model.extension = *ai.prepare(part.config());   // per load
//   if (gateway.apply(model).ok()) ai.commit();     // a refused load has changed nothing
//   options.admin = ai.admin();                     // GET /usage
//   ... drain the gateway ...  ai.stop();           // before the runtime stops
//
// Durable counters are put back from the books when the first configuration is prepared.
//
// Home:    prepare(), commit() and stop() one thread at a time, none of them a loop; the rest any.
// Errors:  prepare() says which file or database cannot be opened.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "async/runtime.h"
#include "async/work_pool.h"
#include "gateway/ai/ai_runtime.h"
#include "gateway/gateway.h"

namespace nacelle::gateway::ai {

class AiPlane {
 public:
  static constexpr Duration kRefreshInterval = 1s;  // of files and tokens
  static constexpr std::size_t kMaxUsageQueries = 16;

  // The runtime outlives stop().
  explicit AiPlane(async::Runtime& runtime);
  ~AiPlane();
  AiPlane(const AiPlane&) = delete;
  AiPlane& operator=(const AiPlane&) = delete;

  // Null for a null configuration.
  [[nodiscard]] Result<std::shared_ptr<const Extension>> prepare(
      std::shared_ptr<const AiConfig> config);
  // What was prepared last is in force.
  void commit();

  [[nodiscard]] AdminHandler admin();
  // Counts of the books; the plane outlives the metrics' owner.
  void add_collector(telemetry::Metrics& metrics);
  // Ends the refreshing of credentials.
  void stop();

 private:
  Result<std::shared_ptr<UsageWriter>> open_books(const AiConfig& config);
  Status restore_counters(const AiRuntime& runtime);
  async::Task<std::optional<AdminAnswer>> answer_admin(std::string path, std::string query);
  void refresh_credentials();
  [[nodiscard]] std::shared_ptr<AiRuntime> current() const;

  async::Runtime& runtime_;
  const std::shared_ptr<RateLimiter> limiter_ = std::make_shared<RateLimiter>();
  async::WorkPool queries_{1, kMaxUsageQueries};
  std::shared_ptr<AiRuntime> prepared_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<AiRuntime> current_;                 // guarded
  std::vector<std::shared_ptr<UsageWriter>> retired_;  // guarded; requests may still add to them
  bool stopping_ = false;                              // guarded
  bool refresh_now_ = false;                           // guarded
  std::thread refresher_;
};

}  // namespace nacelle::gateway::ai
