#include "gateway/ai/usage/usage_store.h"

#include <sqlite3.h>

#include <cstdio>

#include "gateway/ai/usage/sqlite_statement.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS usage_by_day(
  day TEXT NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL,
  backend TEXT NOT NULL, requests INTEGER NOT NULL, failed INTEGER NOT NULL,
  input INTEGER NOT NULL, cached_input INTEGER NOT NULL, cache_creation INTEGER NOT NULL,
  output INTEGER NOT NULL, reasoning INTEGER NOT NULL, cost INTEGER NOT NULL,
  PRIMARY KEY(day, key_id, model, route, backend)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters(
  limit_name TEXT NOT NULL, subject TEXT NOT NULL, window_begin INTEGER NOT NULL,
  amount INTEGER NOT NULL, PRIMARY KEY(limit_name, subject, window_begin)) WITHOUT ROWID;
PRAGMA user_version = 1;
)";

// Sums saturate: SQLite would turn an overflowing one into a float.
constexpr const char* kAddUsage = R"(
INSERT INTO usage_by_day VALUES(?1,?2,?3,?4,?5,1,?6,?7,?8,?9,?10,?11,?12)
ON CONFLICT DO UPDATE SET requests=requests+1, failed=failed+excluded.failed,
  input=CAST(input+excluded.input AS INTEGER),
  cached_input=CAST(cached_input+excluded.cached_input AS INTEGER),
  cache_creation=CAST(cache_creation+excluded.cache_creation AS INTEGER),
  output=CAST(output+excluded.output AS INTEGER),
  reasoning=CAST(reasoning+excluded.reasoning AS INTEGER),
  cost=CAST(cost+excluded.cost AS INTEGER))";

constexpr const char* kAddCounter = R"(
INSERT INTO counters VALUES(?1,?2,?3,?4)
ON CONFLICT DO UPDATE SET amount=CAST(amount+excluded.amount AS INTEGER))";

constexpr const char* kQuery = R"(
SELECT day, key_id, model, route, backend, requests, failed, input, cached_input, cache_creation,
  output, reasoning, cost FROM usage_by_day
WHERE day >= ?1 AND day <= ?2 AND (?3 = '' OR key_id = ?3) AND (?4 = '' OR model = ?4)
ORDER BY day, key_id, model, route, backend LIMIT ?5)";

}  // namespace

Result<std::chrono::sys_days> parse_day(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int used = 0;
  const std::string copy(text);
  const bool read = copy.size() == 10 &&
                    std::sscanf(copy.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used) == 3 &&
                    used == 10;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!read || !date.ok()) return invalid_argument("'{}' is no day of the form 2026-01-31", text);
  return std::chrono::sys_days(date);
}

std::string to_string(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

Result<std::unique_ptr<UsageStore>> UsageStore::open(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open(path.c_str(), &database);
  std::unique_ptr<UsageStore> out(new UsageStore(database, path.string()));
  if (code != SQLITE_OK) return out->failure("open");
  RETURN_IF_ERROR(out->prepare_file());
  return out;
}

UsageStore::~UsageStore() { sqlite3_close(database_); }

Status UsageStore::failure(std::string_view what) const {
  return unavailable("{}: {}: {}", path_, what, sqlite3_errmsg(database_));
}

Status UsageStore::run(const char* sql) const {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure("statement");
}

Status UsageStore::prepare_file() {
  sqlite3_busy_timeout(database_, 5000);
  RETURN_IF_ERROR(run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"));
  std::int64_t version = 0;
  {
    SqliteStatement statement(database_, "PRAGMA user_version");
    if (statement.step() != SQLITE_ROW) return failure("read the schema version");
    version = statement.integer(0);
  }
  if (version != 0 && version != kSchemaVersion) {
    return data_loss("{}: schema version {}, this program knows {}", path_, version,
                     kSchemaVersion);
  }
  return run(kTables);
}

Status UsageStore::write_rows(std::span<const UsageRecord> batch) {
  SqliteStatement usage(database_, kAddUsage);
  SqliteStatement counter(database_, kAddCounter);
  if (!usage.ok() || !counter.ok()) return failure("prepare");
  for (const UsageRecord& record : batch) {
    const std::string day = to_string(std::chrono::floor<std::chrono::days>(record.at));
    usage.reset();
    usage.bind(1, day).bind(2, record.key_id).bind(3, record.model).bind(4, record.route);
    usage.bind(5, record.backend).bind(6, std::uint64_t{record.http_status >= 400});
    usage.bind(7, record.usage.input).bind(8, record.usage.cached_input);
    usage.bind(9, record.usage.cache_creation).bind(10, record.usage.output);
    usage.bind(11, record.usage.reasoning).bind(12, record.cost);
    if (usage.step() != SQLITE_DONE) return failure("add usage");
    for (const DurableCharge& charge : record.charges) {
      counter.reset();
      counter.bind(1, charge.limit_name).bind(2, charge.subject);
      counter.bind_signed(3, charge.window_begin.time_since_epoch().count());
      counter.bind(4, charge.amount);
      if (counter.step() != SQLITE_DONE) return failure("add counter");
    }
  }
  return {};
}

Status UsageStore::write(std::span<const UsageRecord> batch) {
  if (batch.empty()) return {};
  RETURN_IF_ERROR(run("BEGIN IMMEDIATE"));
  Status status = write_rows(batch);
  if (status.ok()) status = run("COMMIT");
  if (!status.ok()) (void)run("ROLLBACK");
  return status;
}

Result<UsageStore::Answer> UsageStore::query(const UsageQuery& query) const {
  SqliteStatement statement(database_, kQuery);
  if (!statement.ok()) return failure("prepare");
  const std::string from = to_string(query.from);
  const std::string to = to_string(query.to);
  statement.bind(1, from).bind(2, to).bind(3, query.key_id).bind(4, query.model);
  statement.bind(5, std::uint64_t{query.max_rows + 1});
  Answer out;
  int code = SQLITE_ROW;
  while ((code = statement.step()) == SQLITE_ROW) {
    if (out.rows.size() == query.max_rows) {
      out.truncated = true;
      return out;
    }
    UsageRow row{.day = statement.text(0),
                 .key_id = statement.text(1),
                 .model = statement.text(2),
                 .route = statement.text(3),
                 .backend = statement.text(4),
                 .requests = statement.count(5),
                 .failed = statement.count(6),
                 .usage = {true, statement.count(7), statement.count(8), statement.count(9),
                           statement.count(10), statement.count(11)},
                 .cost = statement.count(12)};
    out.rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) return failure("query");
  return out;
}

Result<std::vector<DurableCharge>> UsageStore::counters(WallTime since) const {
  SqliteStatement statement(
      database_,
      "SELECT limit_name, subject, window_begin, amount FROM counters WHERE window_begin >= ?1");
  if (!statement.ok()) return failure("prepare");
  statement.bind_signed(1, since.time_since_epoch().count());
  std::vector<DurableCharge> out;
  int code = SQLITE_ROW;
  while ((code = statement.step()) == SQLITE_ROW) {
    out.push_back({statement.text(0), statement.text(1),
                   WallTime(std::chrono::seconds(statement.integer(2))), statement.count(3)});
  }
  if (code != SQLITE_DONE) return failure("read counters");
  return out;
}

Status UsageStore::remove_before(std::chrono::sys_days first_kept) {
  const std::string day = to_string(first_kept);
  SqliteStatement usage(database_, "DELETE FROM usage_by_day WHERE day < ?1");
  usage.bind(1, day);
  if (usage.step() != SQLITE_DONE) return failure("remove days");
  SqliteStatement counters(database_, "DELETE FROM counters WHERE window_begin < ?1");
  counters.bind_signed(1, WallTime(first_kept).time_since_epoch().count());
  if (counters.step() != SQLITE_DONE) return failure("remove counters");
  return {};
}

}  // namespace nacelle::gateway::ai
