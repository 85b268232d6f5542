// SPDX-License-Identifier: Apache-2.0
// SQLite behind RAII; this header and its source hold the only includes of it. For caches: every
// failure is one SqliteError, upon which the owner throws the file away.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace geoloom::engine {

class SqliteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A prepared statement; used by one thread.
class SqliteStatement {
 public:
  // Parameters are counted from 1. They stay bound until bound anew.
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind(int parameter, int64_t number);
  // True while there is a row; after the last one the statement is ready to be used again.
  bool step();
  // For statements without rows.
  void run();
  std::string text(int column) const;  // counted from 0
  int64_t number(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  void check(int code) const;

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteDatabase {
 public:
  // Opens or creates; ":memory:" is one without a file. Waits for other processes that write.
  explicit SqliteDatabase(const std::string& path);
  SqliteStatement prepare(std::string_view sql);
  void execute(const std::string& sql);  // one or more statements without parameters and rows
  int64_t last_row() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// Rolled back unless committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  SqliteDatabase& database_;
  bool open_ = true;
};

}  // namespace geoloom::engine
