// sqlite_statement.h: one prepared statement; binds by position, 1 first, as SQLite counts.
//
// Errors are read off the database by the caller: step() says whether there is a row, done or not.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace nacelle::gateway::ai {

class SqliteStatement {
 public:
  SqliteStatement(sqlite3* database, const char* sql) {
    sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  [[nodiscard]] bool ok() const { return statement_ != nullptr; }

  // The text must live until the next step() or reset().
  SqliteStatement& bind(int at, std::string_view text) {
    // A view of nothing has no address, which SQLite reads as NULL.
    const char* data = text.empty() ? "" : text.data();
    sqlite3_bind_text(statement_, at, data, static_cast<int>(text.size()), SQLITE_STATIC);
    return *this;
  }
  // Beyond 2^63 the largest value is kept: counters saturate instead of turning negative.
  SqliteStatement& bind(int at, std::uint64_t value) {
    constexpr auto kMost = static_cast<std::uint64_t>(INT64_MAX);
    sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value < kMost ? value : kMost));
    return *this;
  }
  SqliteStatement& bind_signed(int at, std::int64_t value) {
    sqlite3_bind_int64(statement_, at, value);
    return *this;
  }

  // SQLITE_ROW, SQLITE_DONE or an error code.
  int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  void reset() { sqlite3_reset(statement_); }

  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr
               ? std::string()
               : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::uint64_t count(int column) const {
    const std::int64_t value = integer(column);
    return value < 0 ? 0 : static_cast<std::uint64_t>(value);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace nacelle::gateway::ai
