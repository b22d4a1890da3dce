// usage_store.h: usage by day, key, model, route and backend, and durable counters, in SQLite.
//
// One transaction holds a batch: after a crash a batch is there whole or not at all (WAL,
// synchronous=NORMAL: a power cut may lose the last batches, never the file). Requests are added
// up per day as they are written; single requests are not kept.
//
// Home:    one thread at a time; writer and reader each open their own store on one file.
// Errors:  unavailable for what SQLite says, with the path; data_loss for a file of another schema.
// Bounds:  a query returns at most `max_rows`.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/ai/usage/usage_record.h"

struct sqlite3;

namespace nacelle::gateway::ai {

struct UsageQuery {
  std::chrono::sys_days from;  // first day
  std::chrono::sys_days to;    // last day, included
  std::string key_id;          // "" = all
  std::string model;           // "" = all
  std::size_t max_rows = 10'000;
};

struct UsageRow {
  std::string day;  // 2026-11-29, UTC
  std::string key_id, model, route, backend;
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;  // answered with a status of 400 or more
  provider::TokenUsage usage;
  std::uint64_t cost = 0;
};

class UsageStore {
 public:
  // Creates the file and its tables when they are missing. ":memory:" keeps nothing.
  [[nodiscard]] static Result<std::unique_ptr<UsageStore>> open(const std::filesystem::path& path);
  ~UsageStore();
  UsageStore(const UsageStore&) = delete;
  UsageStore& operator=(const UsageStore&) = delete;

  [[nodiscard]] Status write(std::span<const UsageRecord> batch);

  // Ordered by day, key, model, route, backend. `truncated` is set when there was more.
  struct Answer {
    std::vector<UsageRow> rows;
    bool truncated = false;
  };
  [[nodiscard]] Result<Answer> query(const UsageQuery& query) const;

  // Durable counters of all windows that began at or after `since`.
  [[nodiscard]] Result<std::vector<DurableCharge>> counters(WallTime since) const;

  // Forgets days before `first_kept` and counters of windows that began before it.
  [[nodiscard]] Status remove_before(std::chrono::sys_days first_kept);

 private:
  UsageStore(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  [[nodiscard]] Status prepare_file();
  [[nodiscard]] Status run(const char* sql) const;
  [[nodiscard]] Status failure(std::string_view what) const;
  [[nodiscard]] Status write_rows(std::span<const UsageRecord> batch);

  sqlite3* database_;
  std::string path_;
};

// "2026-11-29" to a day and back; invalid_argument for others.
[[nodiscard]] Result<std::chrono::sys_days> parse_day(std::string_view text);
[[nodiscard]] std::string to_string(std::chrono::sys_days day);

}  // namespace nacelle::gateway::ai
