#include "kube/store/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace nacelle::kube::store {
namespace {

constexpr std::int64_t kFormat = 1;                // PRAGMA user_version
constexpr std::int64_t kApplication = 0x6e61636c;  // "nacl", so that `file` and we know it

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS objects(
  collection TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  revision INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(collection, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES('revision', 0);
PRAGMA application_id = 1851876204;
PRAGMA user_version = 1;
)";

// Beside the file, named by its state: a second start finds the copy of the first one there.
std::filesystem::path copy_name(const std::filesystem::path& file) {
  struct ::stat info {};
  if (::stat(file.c_str(), &info) != 0) return {};
  std::filesystem::path out = file;
  out += fmt::format(".damaged-{}-{}", static_cast<long long>(info.st_mtime),
                     static_cast<long long>(info.st_size));
  return out;
}

std::string keep_copy(const std::filesystem::path& file) {
  const std::filesystem::path copy = copy_name(file);
  if (copy.empty()) return "it cannot be read";
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::path from = file;
    std::filesystem::path to = copy;
    from += suffix;
    to += suffix;
    std::error_code error;
    // A log is there while the file is open; an empty one says nothing.
    if (!std::filesystem::exists(from, error) || std::filesystem::file_size(from, error) == 0)
      continue;
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::skip_existing, error);
    if (error) return fmt::format("no copy could be made: {}", error.message());
  }
  return fmt::format("a copy is kept as {}", copy.string());
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& folder,
                                                 std::uint64_t max_file_bytes) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return permission_denied("cannot make the folder {}: {}", folder.string(), error.message());
  }
  auto lock = FileLock::take(folder / "store.lock");
  if (!lock.ok()) {
    if (lock.error().code() != Code::kUnavailable) return lock.error();
    return unavailable("{} is in use by another process", folder.string());
  }
  std::unique_ptr<Database> out(new Database(folder / "store.db", std::move(*lock)));
  RETURN_IF_ERROR(out->prepare(max_file_bytes));
  return out;
}

Database::~Database() {
  put_.reset();
  remove_.reset();
  set_revision_.reset();
  sqlite3_close(handle_);
  if (log_ >= 0) ::close(log_);
}

Status Database::failure(std::string_view what) {
  const int code = sqlite3_errcode(handle_) & 0xff;
  const std::string message =
      fmt::format("{}: {}: {}", path_.string(), what, sqlite3_errmsg(handle_));
  if (code == SQLITE_FULL) return Status(Code::kResourceExhausted, message);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return damaged(sqlite3_errmsg(handle_));
  if (code == SQLITE_CANTOPEN || code == SQLITE_PERM || code == SQLITE_READONLY) {
    return Status(Code::kPermissionDenied, message);
  }
  return Status(Code::kUnavailable, message);
}

Status Database::damaged(std::string_view what) {
  return data_loss(
      "{} is damaged ({}); {}. Nothing was changed: put a backup in its place, or move it away to "
      "begin with an empty store",
      path_.string(), what, keep_copy(path_));
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure("statement");
}

Status Database::prepare(std::uint64_t max_file_bytes) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path_.c_str(), &handle_, kFlags, nullptr) != SQLITE_OK) {
    return failure("open");
  }
  sqlite3_extended_result_codes(handle_, 1);
  ::chmod(path_.c_str(), 0600);  // Secrets are in it
  RETURN_IF_ERROR(check_file());
  // No sync at the end of a transaction: that is sync(). Those that keep the order of log and file
  // stay.
  RETURN_IF_ERROR(run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"));
  RETURN_IF_ERROR(create_tables());
  // There as long as the database is open, and always the same file.
  log_ = ::open((path_.string() + "-wal").c_str(), O_RDONLY | O_CLOEXEC);
  if (log_ < 0) return failure(fmt::format("open the log: {}", std::strerror(errno)));
  // 4 KiB pages, SQLite's default.
  const std::string bound =
      fmt::format("PRAGMA max_page_count={}", std::max<std::uint64_t>(max_file_bytes / 4096, 8));
  RETURN_IF_ERROR(run(bound.c_str()));
  put_ = std::make_unique<Statement>(
      handle_,
      "INSERT INTO objects VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET "
      "revision=excluded.revision, body=excluded.body");
  remove_ = std::make_unique<Statement>(
      handle_, "DELETE FROM objects WHERE collection=?1 AND namespace=?2 AND name=?3");
  set_revision_ =
      std::make_unique<Statement>(handle_, "UPDATE counters SET value=?1 WHERE name='revision'");
  return read_revision();
}

Status Database::check_file() {
  {
    Statement check(handle_, "PRAGMA quick_check(1)");
    if (check.step() != SQLITE_ROW) return failure("check");
    if (check.text(0) != "ok") return damaged(check.text(0));
  }
  Statement version(handle_,
                    "SELECT user_version, application_id FROM pragma_user_version, "
                    "pragma_application_id");
  if (version.step() != SQLITE_ROW) return failure("read the format");
  const std::int64_t format = version.integer(0);
  const std::int64_t application = version.integer(1);
  if (format == 0 && application == 0) return {};  // a new file
  if (application != kApplication) {
    return data_loss("{} is a database of another program", path_.string());
  }
  if (format != kFormat) {
    return data_loss("{}: format {}, this program knows {}", path_.string(), format, kFormat);
  }
  return {};
}

Status Database::create_tables() {
  RETURN_IF_ERROR(run("BEGIN IMMEDIATE"));
  RETURN_IF_ERROR(run(kTables));
  return run("COMMIT");
}

Status Database::read_revision() {
  Statement read(handle_, "SELECT value FROM counters WHERE name='revision'");
  if (read.step() != SQLITE_ROW) return damaged("the counter of revisions is missing");
  revision_ = static_cast<std::uint64_t>(read.integer(0));
  return {};
}

Status Database::read_all(const RowReader& reader) {
  Statement rows(handle_, "SELECT collection, namespace, name, revision, body FROM objects");
  for (;;) {
    const int step = rows.step();
    if (step == SQLITE_DONE) return {};
    if (step != SQLITE_ROW) return failure("read the objects");
    const std::string collection(rows.text(0));
    ObjectKey key{std::string(rows.text(1)), std::string(rows.text(2))};
    RETURN_IF_ERROR(reader(collection, std::move(key), static_cast<std::uint64_t>(rows.integer(3)),
                           rows.text(4)));
  }
}

Status Database::write_rows(std::span<const RowChange> changes, std::uint64_t revision) {
  for (const RowChange& change : changes) {
    Statement& statement = change.body.empty() ? *remove_ : *put_;
    statement.reset();
    statement.bind(1, change.collection).bind(2, change.key->name_space).bind(3, change.key->name);
    if (!change.body.empty()) statement.bind(4, change.revision).bind(5, change.body);
    const int step = statement.step();
    Status status = step == SQLITE_DONE ? Status() : failure("write");
    statement.reset();
    if (!status.ok()) return status;
  }
  set_revision_->bind(1, revision);
  const int step = set_revision_->step();
  Status status = step == SQLITE_DONE ? Status() : failure("write the revision");
  set_revision_->reset();
  return status;
}

Status Database::sync() const {
  while (::fdatasync(log_) != 0) {
    if (errno != EINTR) return unavailable("{}: sync: {}", path_.string(), std::strerror(errno));
  }
  return {};
}

Status Database::apply(std::span<const RowChange> changes, std::uint64_t revision) {
  RETURN_IF_ERROR(run("BEGIN IMMEDIATE"));
  Status status = write_rows(changes, revision);
  if (status.ok()) status = run("COMMIT");
  if (status.ok()) {
    revision_ = revision;
    return {};
  }
  // SQLite has rolled back by itself after some errors; then this says so and does nothing.
  if (sqlite3_get_autocommit(handle_) == 0) (void)run("ROLLBACK");
  return status;
}

}  // namespace nacelle::kube::store
