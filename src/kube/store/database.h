// database.h: the objects of a store in one SQLite file.
//
// A file that is damaged is never replaced: open() copies it (with its log) beside itself, once per
// state of the file, and says where. A folder serves one process at a time, by a lock on a file.
//
// Durability: a write-ahead log. What apply() accepted survives the end of the process, and after
// sync() the loss of power. Transactions that are lost with the power are the last ones: the log is
// read up to where it is whole.
//
// Home:    one thread at a time, sync() aside.
// Errors:  open(): unavailable (in use), data_loss (damaged, or written by a later version),
//          permission_denied, resource_exhausted (no space). apply(): resource_exhausted (no space,
//          or the bound of the file), unavailable (the disk fails); then nothing of the batch is
//          stored. sync(): unavailable.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_lock.h"
#include "base/result.h"
#include "kube/object.h"
#include "kube/store/statement.h"

namespace nacelle::kube::store {

// One row to write, or to remove when `body` is empty.
struct RowChange {
  std::string_view collection;
  const ObjectKey* key = nullptr;
  std::uint64_t revision = 0;
  std::string_view body;
};

class Database {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& folder,
                                                              std::uint64_t max_file_bytes);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The number of the last change that was stored.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

  using RowReader = std::function<Status(std::string_view collection, ObjectKey key,
                                         std::uint64_t revision, std::string_view body)>;
  [[nodiscard]] Status read_all(const RowReader& reader);
  // Keeps a copy of the file and says so; for owners that find a row they cannot read.
  [[nodiscard]] Status damaged(std::string_view what);

  // All or nothing. `revision` is that of the last change.
  [[nodiscard]] Status apply(std::span<const RowChange> changes, std::uint64_t revision);

  // What was applied before is on the disk when this returns. Any thread.
  [[nodiscard]] Status sync() const;

 private:
  Database(std::filesystem::path path, FileLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  [[nodiscard]] Status prepare(std::uint64_t max_file_bytes);
  [[nodiscard]] Status check_file();
  [[nodiscard]] Status create_tables();
  [[nodiscard]] Status read_revision();
  [[nodiscard]] Status run(const char* sql);
  [[nodiscard]] Status failure(std::string_view what);
  [[nodiscard]] Status write_rows(std::span<const RowChange> changes, std::uint64_t revision);

  const std::filesystem::path path_;
  FileLock lock_;
  int log_ = -1;  // a descriptor of the write-ahead log, to sync by
  sqlite3* handle_ = nullptr;
  std::unique_ptr<Statement> put_;
  std::unique_ptr<Statement> remove_;
  std::unique_ptr<Statement> set_revision_;
  std::uint64_t revision_ = 0;
};

}  // namespace nacelle::kube::store
